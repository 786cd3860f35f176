"""Structured logging to standard error, one event per line, in the same format for our code and for libraries."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection
from typing import Any

import structlog

from jobs.redaction import redacted


def configure_logging(level: str, log_format: str, secrets: Collection[str] = ()) -> None:
    """Send every log line of this process to standard error, as readable text or as JSON.

    Anything that resembles a key, and the given `secrets`, are masked in the finished line, tracebacks included.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    last = [*_last(log_format), _masking(secrets)]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Their lines on every request and every message would drown ours.
    for chatty in ("httpx", "httpcore", "dramatiq", "botocore", "boto3", "urllib3", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))


def _last(log_format: str) -> list[Any]:
    if log_format == "json":
        return [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Never with local variables: they may contain tokens and keys.
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback),
    ]


def _masking(secrets: Collection[str]) -> Callable[[object, str, Any], str]:
    """Return the last processor, which receives the line as it would be written."""

    def mask(_: object, __: str, line: Any) -> str:
        return redacted(str(line), secrets)

    return mask
