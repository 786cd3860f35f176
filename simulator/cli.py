"""The command line: `python -m simulator --port 8100 --delivery-port 8101 --speed 60`, or `diorama simulator …`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator import serve
from simulator.api.control import HELP
from simulator.faults.menu import menu_text
from simulator.settings import Addresses, RateLimits, SimulatorSettings

DESCRIPTION = """\
A stand-in for Replicate's HTTP API. It listens on two ports: the API, under /v1, and the output files. When both
accept connections it prints one line of JSON, {"api": URL, "delivery": URL}, and then serves until SIGTERM or SIGINT.

Point a client at it with REPLICATE_BASE_URL=<api> and any REPLICATE_API_TOKEN.
"""


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m simulator") -> int:
    """Run the simulator and return the exit code. `program` is its name in the help."""
    parser = _parser(program)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=given.log_level.upper(), format="%(levelname)s %(name)s %(message)s")
    try:
        serve.run(_settings(given), _print_ready)
    except (OSError, ValueError, serve.StudioMissing) as refused:
        parser.exit(2, f"simulator: {refused}\n")
    return 0


def read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line. Raises SystemExit if it is invalid."""
    return _parser("simulator").parse_args(arguments)


def _print_ready(addresses: Addresses) -> None:
    sys.stdout.write(json.dumps({"api": addresses.api, "delivery": addresses.delivery}) + "\n")
    sys.stdout.flush()


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description=DESCRIPTION,
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_addresses(parser)
    _add_behaviour(parser)
    return parser


def _add_addresses(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("addresses")
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    group.add_argument("--port", type=int, default=0, help="port of the API; 0, the default, picks a free one")
    group.add_argument("--delivery-port", type=int, default=0, help="port of the output files; 0 picks a free one")
    group.add_argument("--public-api-url", help="the URL of the API for clients, if it differs (proxy, container)")
    group.add_argument("--public-delivery-url", help="the URL of the output files for clients, if it differs")
    group.add_argument("--tls-cert", metavar="FILE", help="certificate (PEM) that makes both ports speak HTTPS")
    group.add_argument("--tls-key", metavar="FILE", help="its key (PEM)")


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("behaviour")
    group.add_argument(
        "--speed", type=float, default=1.0, help="how many times as fast as the real models, which take 40 to 120 s"
    )
    group.add_argument("--instant", action="store_true", help="succeed at creation, with canned media; for benchmarks")
    group.add_argument("--canned", action="store_true", help="draw one output per model and size, and ignore the input")
    group.add_argument(
        "--clock-ahead",
        type=float,
        default=0.0,
        metavar="S",
        help="seconds that its clock is ahead of this machine's, or behind if negative",
    )
    group.add_argument("--seed", type=int, help="make ids, durations and fault probabilities repeatable")
    group.add_argument("--token", action="append", help="an accepted API token; repeatable (default: any)")
    group.add_argument(
        "--output-ttl", type=float, default=3600.0, metavar="S", help="seconds until outputs are removed"
    )
    _add_strictness(group)
    group.add_argument("--models", action="append", metavar="FILE", help="JSON file with more models; repeatable")
    group.add_argument("--faults", metavar="FILE", help="JSON file with fault rules to start with")
    group.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))


def _add_strictness(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--webhook-secret", help="the whsec_... key that webhooks are signed with")
    group.add_argument("--creates-per-min", type=int, default=600, metavar="N", help="rate limit for creations")
    group.add_argument("--requests-per-min", type=int, default=3000, metavar="N", help="rate limit for the rest")
    group.add_argument("--no-rate-limits", action="store_true", help="accept any number of requests")
    group.add_argument(
        "--reject-unknown-inputs", action="store_true", help="return 422 for inputs that a model does not know"
    )


def _epilog() -> str:
    control = "\n".join(f"  {request:34} {what}" for request, what in HELP.items())
    return f"""\
fault rules:
  A rule is a JSON object; --faults reads one, or a list, from a file, and POST /_simulator/faults adds them while it
  runs. Only `action` is required:
    {{"action": "server_error", "options": {{"status": 503}}, "operation": "predictions.create", "nth": [1, 3]}}
  Applies to:    listener (api or delivery), operation, method, path, model (shell patterns), prompt (a substring)
  When:          nth (number or list, from 1), count, probability with seed, for_s (seconds from now)

fault actions [options=defaults]:
{menu_text()}

control, without a token:
{control}
"""


def _rules(path: str | None) -> tuple[dict[str, Any], ...]:
    """Read a file of fault rules. Raises ValueError and OSError."""
    if path is None:
        return ()
    given = json.loads(Path(path).read_text("utf-8"))
    several = given.get("rules", [given]) if isinstance(given, dict) else given
    return tuple(several)


def _settings(given: argparse.Namespace) -> SimulatorSettings:
    limits = RateLimits(given.creates_per_min, given.requests_per_min, enabled=not given.no_rate_limits)
    secret = {"webhook_secret": given.webhook_secret} if given.webhook_secret else {}
    return SimulatorSettings(
        host=given.host,
        port=given.port,
        delivery_port=given.delivery_port,
        public_api_url=given.public_api_url,
        public_delivery_url=given.public_delivery_url,
        tls_cert_file=given.tls_cert,
        tls_key_file=given.tls_key,
        tokens=tuple(given.token) if given.token else None,
        speed=given.speed,
        instant=given.instant,
        canned=given.canned,
        clock_ahead_s=given.clock_ahead,
        seed=given.seed,
        output_ttl_s=given.output_ttl,
        rate_limits=limits,
        reject_unknown_inputs=given.reject_unknown_inputs,
        faults=_rules(given.faults),
        model_files=tuple(given.models or ()),
        **secret,
    )
