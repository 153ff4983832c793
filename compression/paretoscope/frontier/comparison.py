"""Comparing measured models: which dominates which, and the paired test on the same examples.

Pure functions of documents and of stored samples (`trials/samples.py`). Differences of recipes are
`recipes/diff.py`'s, single examples `frontier/disagreements.py`'s.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretoscope.frontier.front import Frontier, front
from paretoscope.frontier.points import Objective, Point, objectives
from paretoscope.statistics.paired import documents_in_common, paired, paired_tokens
from paretoscope.trials import axes as defaults
from paretoscope.trials.format import listed, p_in_words
from paretoscope.trials.metrics import Metric, metric
from paretoscope.trials.samples import Samples
from paretoscope.trials.trial import Paired, TrialDocument

BEST = {
    "quality": "most accurate",
    "perplexity": "lowest in perplexity",
    "size_bytes": "smallest",
    "latency_p50_ms": "fastest",
    "tpot_ms": "fastest",
}
"""The attribute of the best model in a metric."""
NO_SAMPLES = "the predictions of {} are not stored on this machine"
NO_EXAMPLES = "no predictions for single examples are stored for this task"
OTHER_EXAMPLES = "they were not measured on the same examples"
NO_TOKENS = (
    "the predictions for single tokens were not stored when one of them was measured; measure it"
    " again"
)
OTHER_TOKENS = "they were not measured on the same tokens: other documents or another tokenizer"


# --- dominance ------------------------------------------------------------------------------------


def judged_by(documents: Sequence[TrialDocument]) -> tuple[Objective, ...]:
    """Quality, size and latency; without latency when the trials do not share a session key."""
    axes = next((document.axes for document in documents if document.quality), defaults.Axes())
    keys = axes.objectives if one_session_key(documents) else (axes.quality, axes.size)
    return objectives(*keys)


def one_session_key(documents: Sequence[TrialDocument]) -> bool:
    """Whether all trials have one machine and one set of conditions."""
    return len({document.measured_under for document in documents}) <= 1


def standings(
    points: Sequence[Point], judged: Sequence[Objective]
) -> tuple[Frontier, dict[str, tuple[str, ...]]]:
    """The front of `points`, and for each point the ids that it dominates."""
    found = front(points, judged, with_references=True)
    dominated = {
        point.id: tuple(other.id for other in points if point.id in found.dominators(other.id))
        for point in points
    }
    return found, dominated


def headline(
    found: Frontier, dominated: Mapping[str, Sequence[str]], called: Mapping[str, str]
) -> tuple[str, str]:
    """Two sentences: which model dominates which, and the best one in each objective.

    `called` has the names of the models by id.

    >>> from paretoscope.trials.trial import MetricValue
    >>> def at(name, quality, size):
    ...     values = {"quality": quality, "size_bytes": size}
    ...     return Point(name, {key: MetricValue(key, value) for key, value in values.items()})
    >>> points = [at("a", 0.96, 90e6), at("b", 0.95, 23e6), at("c", 0.94, 24e6)]
    >>> found = standings(points, objectives("quality", "size_bytes"))
    >>> for line in headline(*found, {"a": "fp32", "b": "int8", "c": "int4"}):
    ...     print(line)
    int8 dominates int4.
    fp32 is the most accurate; int8 the smallest.
    """
    dominance = [
        f"{called[point_id]} dominates {listed([called[other] for other in others])}."
        for point_id, others in dominated.items()
        if others and point_id in found.on_front
    ]
    best: dict[str, list[str]] = {}
    for objective in found.objectives:
        known = {key: point.value(objective.key) for key, point in found.points.items()}
        values = {key: value for key, value in known.items() if value is not None}
        winners = leaders(objective.metric, values)
        if 0 < len(winners) < len(values):
            words = BEST.get(objective.key, f"best in {metric(objective.key).called}")
            best.setdefault(listed([called[winner] for winner in winners]), []).append(
                f"the {words}"
            )
    parts = [
        f"{who} {'' if number else 'is '}{listed(what)}"
        for number, (who, what) in enumerate(best.items())
    ]
    return " ".join(dominance) or "No model dominates another.", (
        f"{'; '.join(parts)}." if parts else ""
    )


def leaders(of: Metric, values: Mapping[str, float]) -> list[str]:
    """The ids of the best values, in stored units; values that are printed alike are equal.

    >>> leaders(metric("size_bytes"), {"a": 16.21e6, "b": 16.24e6, "c": 17e6})
    ['a', 'b']
    """
    if not values:
        return []
    top = of.format(min(values.values()) if of.better == "lower" else max(values.values()))
    return [point_id for point_id, value in values.items() if of.format(value) == top]


# --- paired tests ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Two models on the same `n` examples, or tokens of prose.

    `paired` has what the second lost and gained against the first; without it `reason` says why the
    two cannot be paired.
    """

    first: str
    second: str
    paired: Paired | None = None
    n: int = 0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "second": self.second,
            "n": self.n,
            "paired": self.paired.model_dump() if self.paired else None,
            "reason": self.reason,
        }


def pair(
    first: TrialDocument, second: TrialDocument, of_first: Samples | None, of_second: Samples | None
) -> Pair:
    """The paired comparison of two trials from their samples.

    Against the baseline without samples, it is the one that was stored with the measurement.
    """
    ids = first.trial_id, second.trial_id
    reason = unpaired(of_first, of_second)
    if not reason and of_first and of_second:
        assert of_first.labels is not None
        assert of_first.logits is not None
        assert of_second.logits is not None
        found = paired(of_second.logits, of_first.logits, of_first.labels)
        return Pair(*ids, found, len(of_first.labels))
    if stored := _stored_with(first, second):
        return Pair(*ids, *stored)
    if of_first and of_second and of_first.tokens and of_second.tokens:
        documents = documents_in_common(of_first.tokens, of_second.tokens)
        if not documents:
            return Pair(*ids, reason=OTHER_TOKENS)
        ours, theirs = of_second.tokens.first(documents), of_first.tokens.first(documents)
        return Pair(*ids, paired_tokens(ours, theirs), len(ours.targets))
    of_prose = second.quality is not None and second.quality.metric == "perplexity"
    if of_first and of_second and of_prose:
        reason = NO_TOKENS
    return Pair(*ids, reason=reason)


def _stored_with(first: TrialDocument, second: TrialDocument) -> tuple[Paired, int] | None:
    """The comparison with the baseline that is stored in the trial of the second model.

    For prose it is preferred to one from samples, because it includes the divergence.
    """
    same_data = (first.model, first.task) == (second.model, second.task)
    if first.is_baseline and same_data and second.paired and second.quality:
        return second.paired, second.quality.n
    return None


def unpaired(first: Samples | None, second: Samples | None) -> str:
    """Why two models cannot be compared by example; empty when they can."""
    if first is None or second is None:
        missing = "both" if first is second else "the first" if first is None else "the second"
        return NO_SAMPLES.format(missing)
    if (
        first.labels is None
        or second.labels is None
        or first.logits is None
        or second.logits is None
    ):
        return NO_EXAMPLES
    if first.logits.shape != second.logits.shape or not np.array_equal(first.labels, second.labels):
        return OTHER_EXAMPLES
    return ""


def pairs(documents: Sequence[TrialDocument], kept: Mapping[str, Samples | None]) -> list[Pair]:
    """Every pair of models, baselines first, else in the order given; `kept` is by trial id."""
    ordered = sorted(documents, key=lambda document: not document.is_baseline)
    return [
        pair(first, second, kept[first.trial_id], kept[second.trial_id])
        for first, second in itertools.combinations(ordered, 2)
    ]


def verdict(found: Paired, n: int) -> str:
    """The result of the paired test for the second model against the first.

    >>> verdict(Paired(agreement=0.965, lost=12, gained=4, mcnemar_p=0.077, kl=0.02), 538)
    '12 of 538 lost, 4 gained, p = .08: no clear difference; the same prediction for 96.5 %'
    >>> from paretoscope.trials.trial import Interval
    >>> change = Interval(value=0.018, low=0.015, high=0.021)
    >>> of_prose = Paired(agreement=0.93, lost=80, gained=30, mcnemar_p=0.001, change=change)
    >>> verdict(of_prose, 4990)
    'perplexity +1.80 % [+1.50, +2.10]: a clear loss; the same top token for 93.0 % of 4,990'
    """
    same = f"{found.agreement * 100:.1f} %"
    if found.change:
        more = found.change
        interval = f"[{100 * more.low:+.2f}, {100 * more.high:+.2f}]"
        clear = _verdict(more.low <= 0 <= more.high, more.value > 0)
        tokens = f"the same top token for {same} of {n:,}"
        return f"perplexity {100 * more.value:+.2f} % {interval}: {clear}; {tokens}"
    examples = f"the same prediction for {same}"
    if not found.lost and not found.gained:
        return f"none of {n} lost or gained; {examples}"
    counts = f"{found.lost} of {n} lost, {found.gained} gained, {p_in_words(found.mcnemar_p)}"
    return f"{counts}: {_verdict(found.mcnemar_p >= 0.05, found.lost > found.gained)}; {examples}"


def _verdict(unclear: bool, worse: bool) -> str:
    if unclear:
        return "no clear difference"
    return "a clear loss" if worse else "a clear gain"
