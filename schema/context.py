"""What a resolver is handed: who asks, the parts to answer with, and the loaders of this operation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import strawberry

from db.scope import Scope
from jobs.catalogue.offer import Offer
from jobs.engine.hints import Hinter
from jobs.identity import Principal
from schema.database import Database
from schema.errors import unauthenticated
from schema.estimates import UsualTimes
from schema.loaders import Loaders, new_loaders
from schema.runtime import ApiRuntime, ApiSettings
from schema.transport.credential_check import Callers
from statemachine.vocabulary import Step

if TYPE_CHECKING:
    from schema.live.hub import EventHub
    from schema.live.shared_execution import SharedAnswers


@dataclass(slots=True)
class Parts:
    """What all requests of a process share. `hinter` is set while the application runs."""

    runtime: ApiRuntime
    settings: ApiSettings
    database: Database
    hub: EventHub
    shared: SharedAnswers
    hinter: Hinter | None = None
    usual_times: UsualTimes = field(init=False)
    callers: Callers = field(init=False)

    def __post_init__(self) -> None:
        """Know nothing yet of how long things take, and of no socket."""
        self.usual_times = UsualTimes(self.database)
        self.callers = Callers(self.database, look_every_s=self.settings.look_at_keys_every.total_seconds())

    def hint(self, step: Step, job_ids: Iterable[UUID]) -> None:
        """Wake the workers of a step, and whoever follows these jobs, here and in other processes."""
        if self.hinter is not None:
            self.hinter.hint([step], job_ids)


@dataclass(slots=True)
class Context:
    """One operation. `caller` is None only for introspection in development."""

    parts: Parts
    caller: Principal | None
    request_id: str
    _loaders: Loaders | None = None

    @property
    def principal(self) -> Principal:
        """Who asks; raises ApiError where nobody is known."""
        if self.caller is None:
            raise unauthenticated()
        return self.caller

    @property
    def scope(self) -> Scope:
        """What the caller may see."""
        return self.principal.scope

    @property
    def offer(self) -> Offer:
        """What can be asked for."""
        return self.parts.runtime.offer

    @property
    def database(self) -> Database:
        """Where to read and write."""
        return self.parts.database

    @property
    def loaders(self) -> Loaders:
        """The loaders of this operation, or of the present event of a subscription."""
        if self._loaders is None:
            self._loaders = new_loaders(self.parts.database, self.scope)
        return self._loaders

    def forget_loaded(self) -> None:
        """Begin anew: what was loaded before may no longer be true."""
        self._loaders = None


Info = strawberry.Info[Context, None]
