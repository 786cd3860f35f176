"""The step of each state that a worker claims, with the parts that it uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from db.engine.claims import ClaimedJob
from jobs.engine.lease_times import LeaseKeeper
from jobs.steps.compensate import CompensateParts, compensate
from jobs.steps.lost import LostSubmissions
from jobs.steps.models import Models
from jobs.steps.poll import PollParts, poll
from jobs.steps.prepare import PrepareParts
from jobs.steps.reconcile import ReconcileParts, reconcile
from jobs.steps.result import Work
from jobs.steps.runtime import Runtime
from jobs.steps.store import StoreParts, store
from jobs.steps.submit import SubmitParts, submit
from jobs.steps.transcode import TranscodeParts, transcode
from statemachine.vocabulary import State

Act = Callable[[ClaimedJob], Work | None]
Steps = Mapping[State, Act]


def steps_of(runtime: Runtime) -> Steps:
    """Return the steps of a worker, each bound to its parts; a test job gets parts that lead to the stand-in only."""
    live, test = _steps(runtime), _steps(runtime.of_test_jobs)
    return {state: partial(_by_mode, live[state], test[state]) for state in live}


def _by_mode(live: Act, test: Act, job: ClaimedJob) -> Work | None:
    return (test if job.is_test else live)(job)


def _steps(runtime: Runtime) -> Steps:
    lost = LostSubmissions(runtime.engine, runtime.provider, runtime.list_settles_after_s)
    keeper = LeaseKeeper(runtime.renewer, runtime.leases, runtime.policy.deadlines)
    models = Models(runtime.engine, runtime.models, runtime.unavailable_models)
    making = _transcode_parts(runtime, keeper)
    undoing = CompensateParts(runtime.engine, runtime.store, runtime.provider, lost, keeper, runtime.instant)
    return {
        State.QUEUED: partial(submit, parts=_submit_parts(runtime, models)),
        State.RECONCILING: partial(reconcile, parts=ReconcileParts(runtime.engine, lost, runtime.policy)),
        State.GENERATING: partial(poll, parts=_poll_parts(runtime, models)),
        State.STORING: partial(store, parts=StoreParts(runtime.store, runtime.provider, keeper)),
        State.TRANSCODING: partial(transcode, parts=making),
        State.COMPENSATING: partial(compensate, parts=undoing),
    }


def _transcode_parts(runtime: Runtime, keeper: LeaseKeeper) -> TranscodeParts:
    return TranscodeParts(
        store=runtime.store,
        keeper=keeper,
        recorder=runtime.recorder,
        retention=runtime.retention,
        instant=runtime.instant,
        signer=runtime.signer,
        visible_label=runtime.visible_label,
        themes=runtime.prompts.themes,
    )


def _submit_parts(runtime: Runtime, models: Models) -> SubmitParts:
    return SubmitParts(
        prepare=PrepareParts(runtime.engine, models, runtime.prompts, runtime.policy),
        provider=runtime.provider,
        inputs=runtime.inputs,
        recorder=runtime.recorder,
        times=runtime.poll_times,
        limiter=runtime.limiter,
        leases=runtime.leases,
        secrets=runtime.secrets,
        public_url=runtime.public_url,
        instant=runtime.instant,
    )


def _poll_parts(runtime: Runtime, models: Models) -> PollParts:
    return PollParts(
        engine=runtime.engine,
        provider=runtime.provider,
        models=models,
        times=runtime.poll_times,
        limiter=runtime.limiter,
        list_settles_after_s=runtime.list_settles_after_s,
        instant=runtime.instant,
    )
