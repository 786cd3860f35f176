"""A plain HTTP client of the simulator, which hides nothing of the protocol."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx

from simulator.serve import Background
from tests.support.eventually import eventually, scaled

TOKEN = "r8_any"
LIVE = "minimax/video-01-live"
IMAGE = "openai/gpt-image-2"
TERMINAL = ("succeeded", "failed", "canceled", "aborted")


DOWNLOADS = httpx.Client(verify=False, timeout=scaled(20.0))
"""For output files: without a token."""


class Api:
    """Calls one simulator with a token."""

    def __init__(self, background: Background, token: str = TOKEN) -> None:
        self.background = background
        # It does not verify certificates, because reading the trusted ones takes longer than most tests.
        self.http = httpx.Client(
            base_url=background.api_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=scaled(20.0),
            verify=False,
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def get(self, path: str, **more: Any) -> httpx.Response:
        """GET under /v1."""
        return self.http.get(f"/v1{path}", **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """POST under /v1."""
        return self.http.post(f"/v1{path}", **more)

    def create(
        self,
        model: str = IMAGE,
        given: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> httpx.Response:
        """Create a prediction on the model's own path; the default for `given` is the smallest valid input."""
        fitting = {"prompt": "a person", "first_frame_image": "data:image/png;base64,"} if model == LIVE else None
        chosen = given or fitting or {"prompt": "a person"}
        return self.post(f"/models/{model}/predictions", json={"input": chosen, **body}, headers=headers)

    def created(self, *arguments: Any, **more: Any) -> dict[str, Any]:
        """Create a prediction and return it."""
        response = self.create(*arguments, **more)
        assert response.status_code == 201, response.text
        body: dict[str, Any] = response.json()
        return body

    def prediction(self, prediction_id: str) -> dict[str, Any]:
        """Return a prediction as it is now."""
        body: dict[str, Any] = self.get(f"/predictions/{prediction_id}").json()
        return body

    def until(self, prediction_id: str, *statuses: str) -> dict[str, Any]:
        """Return the prediction once it has one of these statuses, or by default once it is over."""
        wanted = statuses or TERMINAL
        found: dict[str, Any] = eventually(
            lambda: body if (body := self.prediction(prediction_id))["status"] in wanted else None
        )
        return found

    def finished(self, *arguments: Any, **more: Any) -> dict[str, Any]:
        """Create a prediction and return it once it is over."""
        return self.until(self.created(*arguments, **more)["id"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the simulator's own API."""
        response = self.http.request(method, f"/_simulator{path}", json=body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def fault(self, action: str, options: dict[str, Any] | None = None, **rule: Any) -> dict[str, Any]:
        """Add a fault rule."""
        made = self.control("POST", "/faults", {"action": action, "options": options or {}, **rule})
        rules: dict[str, Any] = made["rules"][0]
        return rules

    def bill(self) -> dict[str, Any]:
        """Return the bill."""
        found: dict[str, Any] = self.control("GET", "/bill")
        return found
