"""Telling workers and callers which jobs start again."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import strawberry

from schema.context import Context
from schema.ids import IdKind, encode_id
from statemachine.steps import REDRIVEN_STEPS
from statemachine.vocabulary import Step


def hint_revived(context: Context, revived: Iterable[UUID]) -> None:
    """Wake every step that a revived job may begin with."""
    for step in REDRIVEN_STEPS:
        context.parts.hint(step, revived if step is Step.SUBMIT else ())


def job_ids(jobs: Iterable[UUID]) -> list[strawberry.ID]:
    """Return the ids of jobs as callers see them, in order of creation."""
    return [strawberry.ID(encode_id(IdKind.JOB, each)) for each in sorted(jobs)]
