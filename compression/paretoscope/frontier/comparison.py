"""What measured models do differently: who beats whom, the paired test on the same examples, and
the examples on which two disagree.

Pure functions of documents and of what trials kept (`trials/samples.py`). What their recipes do
differently is `recipes/diff.py`'s; how it is drawn and said to whom is the page's and the
command's.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from paretoscope.frontier.front import Frontier, front
from paretoscope.frontier.normalize import place
from paretoscope.frontier.points import Objective, Point, objectives
from paretoscope.statistics.intervals import log_softmax
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
"""What the best model in a metric is called."""
Outcome = Literal["lost", "gained", "both wrong"]
"""Of an example on which two models disagree: only the first was right, only the second, or
neither.
"""


def names(documents: Sequence[TrialDocument]) -> dict[str, str]:
    """What each model is called: its recipe in words, and the start of its id too where words alone
    do not tell them apart.

    >>> from types import SimpleNamespace
    >>> of = lambda id, words: SimpleNamespace(trial_id=id, recipe=SimpleNamespace(in_words=lambda: words))
    >>> names([of("aaaaaaaa", "int8"), of("bbbbbbbb", "int8"), of("cccccccc", "fp32")])
    {'aaaaaaaa': 'int8 (aaaaaa)', 'bbbbbbbb': 'int8 (bbbbbb)', 'cccccccc': 'fp32'}
    """
    words = {document.trial_id: document.recipe.in_words() for document in documents}
    shared = {each for each in words.values() if list(words.values()).count(each) > 1}
    return {id: f"{each} ({id[:6]})" if each in shared else each for id, each in words.items()}


# --- who beats whom -------------------------------------------------------------------------------


def judged_by(documents: Sequence[TrialDocument]) -> tuple[Objective, ...]:
    """Quality, size and time, for a classifier accuracy and p50, for a language model perplexity
    and the time of a token; without the time when not all were timed on one machine under one set
    of conditions."""
    axes = next((document.axes for document in documents if document.quality), defaults.Axes())
    return objectives(
        *(axes.objectives if one_session_key(documents) else (axes.quality, axes.size))
    )


def one_session_key(documents: Sequence[TrialDocument]) -> bool:
    """Whether all were timed on one machine under one set of conditions, so that their times share
    an axis.
    """
    return len({place(document)[2:] for document in documents}) <= 1


def standings(
    points: Sequence[Point], judged: Sequence[Objective]
) -> tuple[Frontier, dict[str, tuple[str, ...]]]:
    """The front of `points` among themselves, and for each the ids that it dominates."""
    found = front(points, judged)
    beaten = {
        point.id: tuple(other.id for other in points if point.id in found.dominators(other.id))
        for point in points
    }
    return found, beaten


def headline(
    found: Frontier, beaten: Mapping[str, Sequence[str]], called: Mapping[str, str]
) -> tuple[str, str]:
    """The answer in two lines: who is nowhere worse than whom, and who is best in what. `called`
    names the models by id.

    >>> from paretoscope.trials.trial import MetricValue
    >>> def at(id, quality, size):
    ...     return Point(id, {"quality": MetricValue("quality", quality), "size_bytes": MetricValue("size_bytes", size)})
    >>> found = standings([at("a", 0.96, 90e6), at("b", 0.95, 23e6), at("c", 0.94, 24e6)], objectives("quality", "size_bytes"))
    >>> for line in headline(*found, {"a": "fp32", "b": "int8", "c": "int4"}):
    ...     print(line)
    int8 is nowhere worse than int4, and somewhere better.
    fp32 is the most accurate; int8 the smallest.
    """
    beats = [
        f"{called[id]} is nowhere worse than {listed([called[other] for other in others])}, and"
        " somewhere better."
        for id, others in beaten.items()
        if others and id in found.on_front
    ]
    best: dict[str, list[str]] = {}
    for objective in found.objectives:
        values = {
            id: value
            for id, point in found.points.items()
            if (value := point.value(objective.key)) is not None
        }
        winners = leaders(objective.metric, values)
        if 0 < len(winners) < len(values):
            words = BEST.get(objective.key, f"best in {metric(objective.key).called}")
            best.setdefault(listed([called[id] for id in winners]), []).append(f"the {words}")
    said = [
        f"{who} {'is ' if place == 0 else ''}{listed(what)}"
        for place, (who, what) in enumerate(best.items())
    ]
    return " ".join(beats) or "None is better than another in everything.", (
        f"{'; '.join(said)}." if said else ""
    )


def leaders(of: Metric, values: Mapping[str, float]) -> list[str]:
    """The ids of the best of `values` in stored units; those that are printed alike are alike.

    >>> leaders(metric("size_bytes"), {"a": 16.21e6, "b": 16.24e6, "c": 17e6})
    ['a', 'b']
    """
    if not values:
        return []
    top = of.format(min(values.values()) if of.better == "lower" else max(values.values()))
    return [id for id, value in values.items() if of.format(value) == top]


# --- two of them on the same examples -------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Two models on the same `n` examples, of prose tokens. `paired` says what the second lost and
    gained beside the first; without it `reason` says why the two cannot be paired."""

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
    """The paired comparison of two trials from what they kept; beside the baseline also from what
    was found when it was measured.
    """
    ids = first.trial_id, second.trial_id
    reason = _unpaired(of_first, of_second)
    if (
        not reason
        and of_first
        and of_second
        and of_first.labels is not None
        and of_first.logits is not None
        and of_second.logits is not None
    ):
        return Pair(
            *ids, paired(of_second.logits, of_first.logits, of_first.labels), len(of_first.labels)
        )
    if (
        first.is_baseline
        and second.paired
        and second.quality
        and (first.model, first.task) == (second.model, second.task)
    ):
        return Pair(
            *ids, second.paired, second.quality.n
        )  # of prose the one that knows the divergence, too
    if (
        of_first
        and of_second
        and not (of_first.tokens and of_second.tokens)
        and second.quality
        and second.quality.metric == "perplexity"
    ):
        return Pair(
            *ids,
            reason=(
                "the answers to single tokens were not kept when one of them was measured; measure"
                " it again"
            ),
        )
    if of_first and of_second and of_first.tokens and of_second.tokens:
        documents = documents_in_common(of_first.tokens, of_second.tokens)
        if not documents:
            return Pair(
                *ids,
                reason="they did not read the same tokens: other documents, or another tokenizer",
            )
        ours, theirs = of_second.tokens.first(documents), of_first.tokens.first(documents)
        return Pair(*ids, paired_tokens(ours, theirs), len(ours.targets))
    return Pair(*ids, reason=reason)


def _unpaired(first: Samples | None, second: Samples | None) -> str:
    """Why two models cannot be compared example by example; empty when they can."""
    if first is None or second is None:
        whose = "both" if first is second else "the first" if first is None else "the second"
        return f"the answers of {whose} are not kept on this machine"
    if (
        first.labels is None
        or second.labels is None
        or first.logits is None
        or second.logits is None
    ):
        return "this task keeps no answers by example"
    if first.logits.shape != second.logits.shape or not np.array_equal(first.labels, second.labels):
        return "they were not measured on the same examples"
    return ""


def pairs(documents: Sequence[TrialDocument], kept: Mapping[str, Samples | None]) -> list[Pair]:
    """Every two of the models, baselines first and otherwise in the order given; `kept` is by trial
    id.
    """
    ordered = sorted(documents, key=lambda document: not document.is_baseline)
    return [
        pair(first, second, kept[first.trial_id], kept[second.trial_id])
        for first, second in itertools.combinations(ordered, 2)
    ]


def verdict(found: Paired, n: int) -> str:
    """What the paired test says, for a person, of the second model beside the first.

    >>> verdict(Paired(agreement=0.965, lost=12, gained=4, mcnemar_p=0.077, kl=0.02), 538)
    '12 of 538 lost, 4 gained, p = .08: no clear difference; the same answer to 96.5 %'
    >>> from paretoscope.trials.trial import Interval
    >>> verdict(Paired(agreement=0.93, lost=80, gained=30, mcnemar_p=0.001, change=Interval(value=0.018, low=0.015, high=0.021)), 4990)
    'perplexity +1.80 % [+1.50, +2.10]: a clear loss; the same likeliest token at 93.0 % of 4,990'
    """
    if found.change:
        more = found.change
        clear = (
            "no clear difference"
            if more.low <= 0 <= more.high
            else "a clear loss"
            if more.value > 0
            else "a clear gain"
        )
        said = (
            f"perplexity {100 * more.value:+.2f} % [{100 * more.low:+.2f}, {100 * more.high:+.2f}]:"
            f" {clear}"
        )
        return f"{said}; the same likeliest token at {found.agreement * 100:.1f} % of {n:,}"
    if not found.lost and not found.gained:
        said = f"none of {n} lost or gained"
    else:
        clear = (
            "no clear difference"
            if found.mcnemar_p >= 0.05
            else "a clear loss"
            if found.lost > found.gained
            else "a clear gain"
        )
        said = (
            f"{found.lost} of {n} lost, {found.gained} gained, {p_in_words(found.mcnemar_p)}:"
            f" {clear}"
        )
    return f"{said}; the same answer to {found.agreement * 100:.1f} %"


@dataclass(frozen=True)
class Disagreement:
    """An example on which two models answer differently. `place` is where it stands in the split,
    `label` and `answers` are indices of classes, `probabilities` what each model gives its own
    answer."""

    place: int
    label: int
    answers: tuple[int, int]
    probabilities: tuple[float, float]

    @property
    def outcome(self) -> Outcome:
        """
        >>> Disagreement(0, 2, (2, 1), (0.9, 0.6)).outcome, Disagreement(0, 2, (0, 1), (0.9, 0.6)).outcome
        ('lost', 'both wrong')
        """
        return (
            "lost"
            if self.answers[0] == self.label
            else "gained"
            if self.answers[1] == self.label
            else "both wrong"
        )


def disagreements(first: Samples, second: Samples) -> list[Disagreement]:
    """Every example on which the two disagree, where both are surest of themselves first.

    Raises `ValueError` when they were not measured on the same examples.
    """
    reason = _unpaired(first, second)
    if reason or first.labels is None or first.logits is None or second.logits is None:
        raise ValueError(f"no disagreements: {reason}")
    shares = [
        np.exp(log_softmax(logits.astype(np.float64))) for logits in (first.logits, second.logits)
    ]
    answers, tops = (
        [share.argmax(axis=1) for share in shares],
        [share.max(axis=1) for share in shares],
    )
    (places,) = np.nonzero(answers[0] != answers[1])
    ordered = places[np.argsort(-(tops[0] * tops[1])[places], kind="stable")]
    return [
        Disagreement(
            int(at),
            int(first.labels[at]),
            (int(answers[0][at]), int(answers[1][at])),
            (float(tops[0][at]), float(tops[1][at])),
        )
        for at in ordered
    ]


def disagreements_csv(
    found: Sequence[Disagreement],
    ids: Sequence[str],
    texts: Sequence[str],
    labels: Sequence[str],
    names: tuple[str, str],
) -> str:
    """The examples as a CSV; `ids` and `texts` are the split's, `labels` the names of the classes,
    `names` those of the two models.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            "id",
            "text",
            "label",
            *(f"{name}{column}" for name in names for column in ("", " probability")),
            "outcome",
        ]
    )
    for each in found:
        said = [
            part
            for answer, share in zip(each.answers, each.probabilities, strict=True)
            for part in (labels[answer], f"{share:.4f}")
        ]
        writer.writerow(
            [ids[each.place], texts[each.place], labels[each.label], *said, each.outcome]
        )
    return out.getvalue()
