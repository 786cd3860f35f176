"""The bill: every accepted creation with its correlation token, so that a test can see money spent twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from simulator.predictions import Prediction


def bill(predictions: Iterable[Prediction]) -> dict[str, Any]:
    """Return what the account owes, by model and by token.

    `duplicates` lists the tokens that more than one creation carried. `total_usd` includes unfinished predictions as if
    they had succeeded; failed and aborted ones are free, canceled ones only if they never started.
    """
    entries = list(predictions)
    by_token = _grouped((each.token, each) for each in entries)
    return {
        **_sum(entries),
        "by_model": {path: _sum(group) for path, group in _grouped((p.model.path, p) for p in entries).items()},
        "by_status": _count(entries),
        "by_token": {token: _ids_and_sum(group) for token, group in by_token.items()},
        "duplicates": sorted(token for token, group in by_token.items() if len(group) > 1),
        "without_token": sum(1 for each in entries if each.token is None),
    }


def _grouped(pairs: Iterable[tuple[str | None, Prediction]]) -> dict[str, list[Prediction]]:
    groups: defaultdict[str, list[Prediction]] = defaultdict(list)
    for key, prediction in pairs:
        if key is not None:
            groups[key].append(prediction)
    return dict(groups)


def _sum(group: list[Prediction]) -> dict[str, Any]:
    return {"creates": len(group), "total_usd": round(sum(each.cost_usd for each in group), 6)}


def _ids_and_sum(group: list[Prediction]) -> dict[str, Any]:
    return {**_sum(group), "predictions": [each.id for each in group]}


def _count(group: list[Prediction]) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for each in group:
        counts[each.status.value] += 1
    return dict(counts)
