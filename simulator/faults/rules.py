"""Fault rules: each says which requests or predictions it applies to, how often, and with which action."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from simulator.clock import Clock
from simulator.faults.menu import Action, Stage
from simulator.faults.reading import API, read_rule
from simulator.ids import Names
from simulator.predictions import Options


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about a request that rules match."""

    listener: str
    operation: str
    method: str
    path: str
    model: str | None = None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The conditions on a request. None matches everything; the others are shell patterns, `prompt` a substring."""

    listener: str = API
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    model: str | None = None
    prompt: str | None = None

    def fits(self, facts: Facts) -> bool:
        """Return whether the request meets all conditions."""
        return (
            self.listener == facts.listener
            and _fits(self.operation, facts.operation, f"*.{self.operation}")
            and _fits(self.method, facts.method)
            and _fits(self.path, facts.path)
            and (self.model is None or (facts.model is not None and _fits(self.model, facts.model)))
            and (self.prompt is None or self.prompt.lower() in facts.prompt.lower())
        )


def _fits(pattern: str | None, value: str, *others: str) -> bool:
    return pattern is None or any(fnmatchcase(value, each) for each in (pattern, *others))


@dataclass(slots=True)
class Rule:
    """One fault: an action, the requests it applies to, and when. `seen` counts matches, `fired` those it acted on."""

    id: str
    action: Action
    options: Options
    match: Match
    nth: frozenset[int] | None
    count: int | None
    probability: float
    ends_at: float | None
    rng: random.Random
    given: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0
    fired: int = 0

    def fires(self, facts: Facts, now: float) -> bool:
        """Count a match, and return whether the action applies to this request."""
        if not self.match.fits(facts) or (self.ends_at is not None and now >= self.ends_at):
            return False
        self.seen += 1
        if not self._is_due():
            return False
        self.fired += 1
        return True

    def as_json(self) -> dict[str, Any]:
        """Return the rule as it was given, with its id and counts."""
        return {**self.given, "id": self.id, "seen": self.seen, "fired": self.fired}

    def _is_due(self) -> bool:
        if self.nth is not None and self.seen not in self.nth:
            return False
        if self.count is not None and self.fired >= self.count:
            return False
        return self.probability >= 1.0 or self.rng.random() < self.probability


class Faults:
    """The active rules, in the order in which they were added."""

    def __init__(self, clock: Clock, seed: int | None) -> None:
        self.rules: list[Rule] = []
        self._clock = clock
        self._names = Names(seed)
        self._seed = seed

    def add(self, given: Mapping[str, Any]) -> Rule:
        """Add a rule. Raises InvalidRule."""
        rule = self._rule(given)
        self.rules.append(rule)
        return rule

    def add_all(self, given: Any) -> list[Rule]:
        """Add one rule, a list of rules or `{"rules": [...]}`: all of them or, on InvalidRule, none."""
        several = given.get("rules", given) if isinstance(given, dict) else given
        rules = [self._rule(each) for each in (several if isinstance(several, list) else [several])]
        self.rules += rules
        return rules

    def remove(self, rule_id: str) -> bool:
        """Remove a rule; return False if no rule has that id."""
        before = len(self.rules)
        self.rules = [rule for rule in self.rules if rule.id != rule_id]
        return len(self.rules) < before

    def clear(self) -> None:
        """Remove all rules."""
        self.rules.clear()

    def first(self, stage: Stage, facts: Facts) -> Rule | None:
        """Return the first rule of a stage that fires on this request, or None."""
        now = self._clock.now()
        return next((rule for rule in self._of(stage) if rule.fires(facts, now)), None)

    def for_prediction(self, facts: Facts) -> dict[str, Options]:
        """Return the actions on the prediction that this request creates, with their options."""
        now = self._clock.now()
        rules = [*self._of(Stage.PREDICTION), *self._of(Stage.WEBHOOK)]
        return {rule.action.name: rule.options for rule in rules if rule.fires(facts, now)}

    def _of(self, stage: Stage) -> Iterable[Rule]:
        return [rule for rule in self.rules if rule.action.stage is stage]

    def _rule(self, given: Any) -> Rule:
        read = read_rule(given)
        for_s = given.get("for_s")
        return Rule(
            id=self._names.id(),
            action=read.action,
            options=read.options,
            match=Match(**read.match),
            nth=read.nth,
            count=given.get("count"),
            probability=float(given.get("probability", 1.0)),
            ends_at=None if for_s is None else self._clock.now() + float(for_s),
            rng=random.Random(given.get("seed", self._seed)),  # noqa: S311 - repeatable on purpose
            given=dict(given),
        )
