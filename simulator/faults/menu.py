"""The menu of fault actions: the effect of each, its stage, and its options with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EVENTS = ["start", "output", "logs", "completed"]
SERVER_ERRORS = (500, 502, 503, 504)
FILE_TYPES = ("html", "text", "gif", "png", "empty")
OUTPUT_SHAPES = ("object", "null", "inline", "inline_text")

# The error texts of failed predictions, by the code that a rule may name in place of the text.
ERRORS: dict[str, str] = {
    "PA": "Prediction interrupted; please retry (code: PA)",
    "E1000": "Unknown error (E1000)",
    "E1001": "Model ran out of memory (E1001)",
    "E4875": "Internal webhook URL is empty (E4875)",
    "E6716": "Timed out while starting the prediction (E6716)",
    "E8367": "Prediction stopped in a non-terminal state (E8367)",
    "E8765": "Health check failed (E8765)",
    "E9243": "Error starting the prediction (E9243)",
    "E9825": "Failed to upload an output file (E9825)",
    "E9828": "Director: unexpected error handling prediction (E9828)",
    "E001": "The upstream account has no credit left on its plan (E001)",
    "E002": "The upstream API key is not valid (E002)",
    "E003": "Service is currently unavailable due to high demand. Please try again later. (E003)",
    "E004": "Service is temporarily unavailable. Please try again later. (E004)",
    "E005": "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
    "moderation_blocked": "Error code: 400 - moderation_blocked: Your request was rejected by the safety system.",
    "model_not_found": "Error code: 404 - model_not_found: The requested model does not exist.",
}


class Stage(StrEnum):
    """The point at which an action takes effect."""

    REQUEST = "request"
    """Before the request is handled: nothing is created."""
    RESPONSE = "response"
    """After the request was handled: a creation has been accepted, and costs money."""
    PREDICTION = "prediction"
    """In the lifecycle of the prediction that the request creates."""
    WEBHOOK = "webhook"
    """In the webhooks of the prediction that the request creates."""


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of failure."""

    name: str
    stage: Stage
    summary: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the action as JSON, for `/_simulator/faults/menu`."""
        return {"stage": self.stage.value, "summary": self.summary, "options": dict(self.options)}


_THROTTLE: dict[str, Any] = {"retry_after_s": 1, "in_header": False, "in_body": True}
_LOW_CREDIT: dict[str, Any] = {"retry_after_s": 7, "in_header": False, "in_body": True}
_SERVER_ERROR: dict[str, Any] = {"status": 502, "html": True}
_EVENTS: dict[str, Any] = {"events": EVENTS}

_ACTIONS = (
    Action("unauthorized", Stage.REQUEST, "401: the token is not valid"),
    Action("payment_required", Stage.REQUEST, "402: the account has insufficient credit"),
    Action("throttle", Stage.REQUEST, "429 with the older text: expected available in N seconds", _THROTTLE),
    Action("throttle_low_credit", Stage.REQUEST, "429: the limit is reduced while credit is low", _LOW_CREDIT),
    Action("not_found", Stage.REQUEST, "404 for any request"),
    Action("server_error", Stage.REQUEST, "500, 502, 503 or 504 with an HTML page or an empty body", _SERVER_ERROR),
    Action("stall", Stage.REQUEST, "wait before the request is handled", {"seconds": 10.0}),
    Action("hang_before_accept", Stage.REQUEST, "do nothing, and never respond"),
    Action("reset_before_accept", Stage.REQUEST, "do nothing, and reset the connection"),
    Action("hang_after_accept", Stage.RESPONSE, "accept, but never respond: the response is lost"),
    Action("reset_after_accept", Stage.RESPONSE, "accept, then reset the connection"),
    Action("error_after_accept", Stage.RESPONSE, "accept, but return a server error", _SERVER_ERROR),
    Action("slow_body", Stage.RESPONSE, "spread the body over some seconds", {"seconds": 10.0}),
    Action("cut_body", Stage.RESPONSE, "reset the connection after part of the body", {"part": 0.5}),
    Action("garble_body", Stage.RESPONSE, "return 200 with an HTML page instead of JSON"),
    Action(
        "fail",
        Stage.PREDICTION,
        f"end as failed, with the text of a `code` ({', '.join(ERRORS)}) or any `error`",
        {"code": "E9828", "error": None},
    ),
    Action("abort", Stage.PREDICTION, "end as aborted instead of starting"),
    Action("unknown_status", Stage.PREDICTION, "end with a status that no client knows", {"status": "paused"}),
    Action("stick_starting", Stage.PREDICTION, "stay in starting until canceled or timed out"),
    Action("stick_processing", Stage.PREDICTION, "stay in processing until canceled or timed out"),
    Action("slow_run", Stage.PREDICTION, "run longer", {"factor": 5.0}),
    Action("empty_output", Stage.PREDICTION, "succeed with an empty list, or null for a video"),
    Action("wrong_output_type", Stage.PREDICTION, "return one URI instead of a list, or a list instead of one URI"),
    Action(
        "odd_output",
        Stage.PREDICTION,
        f"return something other than URLs, by `shape` ({', '.join(OUTPUT_SHAPES)})",
        {"shape": "object"},
    ),
    Action("truncate_file", Stage.PREDICTION, "serve only the first part of the file", {"part": 0.5}),
    Action("wrong_file_type", Stage.PREDICTION, "serve a file of another type under the same name", {"type": "html"}),
    Action("foreign_output", Stage.PREDICTION, "serve a picture that is unrelated to the input"),
    Action("unrelated_video", Stage.PREDICTION, "serve a video of the same form that shows something else"),
    Action("odd_size_video", Stage.PREDICTION, "serve a video with an odd width and height"),
    Action("variable_rate_video", Stage.PREDICTION, "serve a video with a variable frame rate"),
    Action(
        "expire_output",
        Stage.PREDICTION,
        "remove the data soon after completion; at 0 s, no client ever sees it",
        {"seconds": 0.0},
    ),
    Action("lose_file", Stage.PREDICTION, "succeed, but return 404 for the output URL"),
    Action("list_late", Stage.PREDICTION, "stay out of the list for a while", {"seconds": 5.0}),
    Action("omit_webhook", Stage.PREDICTION, "leave `webhook` out of the prediction object"),
    Action("lose_webhook", Stage.WEBHOOK, "send nothing for these events", _EVENTS),
    Action("duplicate_webhook", Stage.WEBHOOK, "send these events more than once", {"copies": 1, **_EVENTS}),
    Action("reorder_webhooks", Stage.WEBHOOK, "send `completed` first, and the earlier events after it"),
    Action("delay_webhook", Stage.WEBHOOK, "send these events late", {"seconds": 5.0, **_EVENTS}),
    Action("unsigned_webhook", Stage.WEBHOOK, "send these events without a signature", _EVENTS),
    Action("forge_webhook", Stage.WEBHOOK, "sign these events with another key", _EVENTS),
    Action("backdate_webhook", Stage.WEBHOOK, "sign these events as of long ago", {"seconds": 600.0, **_EVENTS}),
)

MENU: dict[str, Action] = {action.name: action for action in _ACTIONS}


def menu_text() -> str:
    """Return the menu for `--help`, one action per line."""
    return "\n".join(f"  {action.name:20} {action.summary}{_options_text(action)}" for action in MENU.values())


def _options_text(action: Action) -> str:
    shown = ", ".join(f"{name}={value}" for name, value in action.options.items() if name != "events")
    return f" [{shown}]" if shown else ""
