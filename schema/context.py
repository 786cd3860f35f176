"""The context of a resolver: the caller, the parts of the process, and the loaders of this operation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

import strawberry

from db.scope import Scope
from jobs.catalogue.catalogue import Catalogue
from jobs.engine.hints import Hinter
from jobs.identity import Principal
from schema.admission.caller_places import CallerPlaces
from schema.admission.export_places import export_places
from schema.admission.fair_share import FairShare
from schema.admission.import_places import import_places
from schema.admission.request_rate import RequestRates
from schema.admission.upload_checks import upload_checks
from schema.admission.webhook_tests import webhook_test_places
from schema.database import Database
from schema.errors import unauthenticated
from schema.live.hub import EventHub
from schema.live.shared_results import SharedResults
from schema.loaders import Loaders, new_loaders
from schema.runtime import ApiRuntime, ApiSettings
from schema.transport.credential_check import Callers
from schema.usual_times import UsualTimes
from statemachine.vocabulary import Step


@dataclass(slots=True)
class Parts:
    """The parts that all requests of a process share. `hinter` is set while the application runs."""

    runtime: ApiRuntime
    settings: ApiSettings
    database: Database
    hub: EventHub
    shared: SharedResults
    hinter: Hinter | None = None
    usual_times: UsualTimes = field(init=False)
    callers: Callers = field(init=False)
    request_rates: RequestRates = field(init=False)
    upload_checks: CallerPlaces = field(default_factory=upload_checks)
    imports: CallerPlaces = field(default_factory=import_places)
    webhook_tests: FairShare = field(default_factory=webhook_test_places)
    exports: FairShare = field(default_factory=export_places)

    def __post_init__(self) -> None:
        """Add the parts that start empty: usual durations, open sockets and counted requests."""
        self.usual_times = UsualTimes(self.database)
        self.request_rates = RequestRates(self.settings.key_requests_per_min, self.settings.session_requests_per_min)
        self.callers = Callers(self.database, check_every_s=self.settings.check_keys_every.total_seconds())

    def hint(self, step: Step, job_ids: Iterable[UUID]) -> None:
        """Wake the workers of a step, and the subscribers of these jobs in all processes."""
        if self.hinter is not None:
            self.hinter.hint([step], job_ids)


@dataclass(slots=True)
class Context:
    """One operation. `caller` is None only for introspection in development.

    `called_at` is the URL of the server as the caller wrote it, without the path; None for an operation whose results
    are shared with other callers.
    """

    parts: Parts
    caller: Principal | None
    request_id: str
    called_at: str | None = None
    database: Database = field(init=False)
    _loaders: Loaders | None = None

    def __post_init__(self) -> None:
        """Let the caller carry the id of the request, for what the request makes, and the database know the caller."""
        self.database = self.parts.database
        if self.caller is not None:
            self.caller = replace(self.caller, request_id=self.request_id)
            self.database = self.parts.database.acting_for(self.caller)

    @property
    def principal(self) -> Principal:
        """Return the caller; raise ApiError where there is none."""
        if self.caller is None:
            raise unauthenticated()
        return self.caller

    @property
    def scope(self) -> Scope:
        """Return the scope of what the caller may see."""
        return self.principal.scope

    @property
    def base_url(self) -> str | None:
        """Return the URL of this server, without a slash at its end, or None where it is not known."""
        url = self.parts.settings.public_url or self.called_at
        return url.rstrip("/") if url else None

    @property
    def catalogue(self) -> Catalogue:
        """Return the themes and models that can be requested."""
        return self.parts.runtime.catalogue

    @property
    def loaders(self) -> Loaders:
        """Return the loaders of this operation, or of the current event of a subscription."""
        if self._loaders is None:
            self._loaders = new_loaders(self.database, self.scope)
        return self._loaders

    def discard_loaded(self) -> None:
        """Drop the loaders: what they loaded may no longer be true."""
        self._loaders = None


Info = strawberry.Info[Context, None]
