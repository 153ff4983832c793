"""The wording of results: differences, ratios of sizes and speeds, p-values, lists, durations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from paretoscope.machine import Machine
from paretoscope.trials.axes import axes
from paretoscope.trials.metrics import metric
from paretoscope.trials.placebo import no_measurable_change
from paretoscope.trials.summary import Trial
from paretoscope.trials.trial import (
    WARNING,
    HeldOut,
    Interval,
    Paired,
    Quality,
)


def difference(key: str, change: float) -> str:
    """The difference of a metric: points for percentages, else the metric's unit.

    >>> difference("quality", -0.0124), difference("size_bytes", 3e6), difference("speedup", 0)
    ('-1.2 points', '+3.00 MB', '+0 x')
    """
    return f"{'-' if change < 0 else '+'}{_amount(key, change)} {_unit(key)}".strip()


def _amount(key: str, change: float) -> str:
    """The absolute difference without its unit; points have one decimal."""
    row = metric(key)
    return f"{row.shown(abs(change)):.1f}" if row.unit == "%" else row.number(abs(change))


def _unit(key: str) -> str:
    """The unit of a difference."""
    unit = metric(key).unit
    return "points" if unit == "%" else unit


def change(key: str, value: float, base: float) -> str:
    """The change against the baseline's value `base`: relative in per cent for metrics that are
    compared relatively, else the difference.

    >>> change("quality", 0.948, 0.96), change("perplexity", 18.36, 18.0)
    ('-1.2 points', '+2.00 %')
    """
    return (
        f"{100 * (value / base - 1):+.2f} %"
        if metric(key).relative
        else difference(key, value - base)
    )


def allowance(key: str, bound: float) -> str:
    """A limit on the loss against the baseline (`limits.MaxDrop`), with more digits than a change.

    >>> allowance("quality", 0.02), allowance("perplexity", 0.02)
    ('2.00 points', '2.00 %')
    """
    row = metric(key)
    return f"{100 * bound:.2f} %" if row.relative else f"{row.number(bound)} {_unit(key)}".strip()


def what_is_lost(key: str) -> str:
    """The noun for a loss in this metric.

    >>> what_is_lost("quality"), what_is_lost("perplexity")
    ('accuracy', 'quality')
    """
    row = metric(key)
    return row.called if row.better == "higher" else "quality"


def negligible(key: str, change: float) -> bool:
    """Whether a change rounds to zero at the displayed digits, such as 300 bytes in megabytes.

    >>> negligible("size_bytes", -300), negligible("size_bytes", 3e6)
    (True, False)
    """
    return float(_amount(key, change).replace(",", "")) == 0


def speed_in_words(
    speedup: Interval | float, placebo: Interval | None = None, *, digits: int = 2
) -> str:
    """A speed-up, or no measurable change (`trials/placebo.py`).

    >>> speed_in_words(Interval(value=3.9, low=3.7, high=4.0)), speed_in_words(0.5)
    ('3.90x faster', '2.00x slower')
    >>> speed_in_words(Interval(value=1.02, low=0.98, high=1.05)), speed_in_words(1.001)
    ('no measurable change of speed', 'the same speed')
    """
    if isinstance(speedup, Interval) and no_measurable_change(speedup, placebo):
        return "no measurable change of speed"
    ratio = speedup.value if isinstance(speedup, Interval) else speedup
    return _ratio_in_words(ratio, "faster", "slower", digits) or "the same speed"


def speed_with_interval(speedup: Interval, placebo: Interval | None = None) -> str:
    """A speed-up with its interval, both inverted for a slower model.

    >>> speed_with_interval(Interval(value=1.56, low=1.3, high=1.96))
    '1.56x faster [1.30, 1.96]'
    >>> speed_with_interval(Interval(value=0.5, low=0.4, high=0.625))
    '2.00x slower [1.60, 2.50]'
    >>> speed_with_interval(Interval(value=1.2, low=0.9, high=1.4))
    'no measurable change of speed, 1.20x [0.90, 1.40]'
    """
    ratio, low, high = speedup.value, speedup.low, speedup.high
    words = speed_in_words(speedup, placebo)
    if no_measurable_change(speedup, placebo):
        return f"{words}, {ratio:.2f}x [{low:.2f}, {high:.2f}]"
    ends = (low, high) if ratio >= 1 else (1 / high, 1 / low)
    return f"{words} [{ends[0]:.2f}, {ends[1]:.2f}]"


def lost_and_gained(found: Paired) -> str:
    """Correct predictions lost and gained against the other model.

    >>> lost_and_gained(Paired(agreement=0.9, lost=1, gained=0, mcnemar_p=1.0))
    '1 answer lost, 0 gained'
    """
    return f"{found.lost} answer{'' if found.lost == 1 else 's'} lost, {found.gained} gained"


def size_in_words(ratio: float, *, digits: int = 2) -> str:
    """A ratio of sizes: the baseline's size / the size of the model.

    >>> size_in_words(5.3), size_in_words(0.5, digits=1), size_in_words(1.0004)
    ('5.30x smaller', '2.0x larger', 'the same size')
    """
    return _ratio_in_words(ratio, "smaller", "larger", digits) or "the same size"


def _ratio_in_words(ratio: float, good: str, bad: str, digits: int) -> str:
    """Empty for a ratio that rounds to 1 at `digits` decimals."""
    shown = f"{max(ratio, 1 / ratio):.{digits}f}"
    return "" if float(shown) == 1 else f"{shown}x {good if ratio > 1 else bad}"


def held_out_in_words(found: HeldOut) -> str:
    """The result on the test split, its change against the baseline and the day of evaluation.

    >>> from datetime import datetime
    >>> from paretoscope.trials.trial import Quality
    >>> quality = Quality(value=0.941, low=0.92, high=0.957, n=804, split="test")
    >>> held_out_in_words(HeldOut(quality=quality, opened_at=datetime(2026, 11, 25)))
    '94.1 % [92.0, 95.7] of 804, opened on 25 November 2026'
    """
    quality, row = found.quality, metric(axes(found.quality.metric).quality)
    compared = ""
    if found.paired and found.baseline:
        more = found.paired.change
        chance = (
            f" [{100 * more.low:.2f}, {100 * more.high:.2f}]"
            if more
            else f", {p_in_words(found.paired.mcnemar_p)}"
        )
        compared = f" ({change(row.key, quality.value, found.baseline.value)}{chance})"
    counted = f"{quality.n:,}{' tokens' if row.before else ''}"
    value = f"{row.before}{row.format(quality.value)} {row.interval(quality.low, quality.high)}"
    return f"{value}{compared} of {counted}, opened on {found.opened_at:%-d %B %Y}"


def truncated_in_words(found: Quality) -> str:
    """How many texts were truncated, "" if none.

    >>> cut = Quality(value=1, low=1, high=1, n=200, max_length=512, truncated=0.06)
    >>> truncated_in_words(cut)
    '12 of 200 texts (6.0 %) are longer than 512 tokens and were truncated'
    """
    if not found.truncated:
        return ""
    count = round(found.truncated * found.n)
    one = count == 1
    return (
        f"{count:,} of {found.n:,} texts ({100 * found.truncated:.1f} %)"
        f" {'is' if one else 'are'} longer than {found.max_length} tokens and"
        f" {'was' if one else 'were'} truncated"
    )


def p_in_words(p: float) -> str:
    """A p-value with enough digits to show on which side of .05 it lies.

    >>> p_in_words(0.21), p_in_words(0.004), p_in_words(0.00002), p_in_words(1.0)
    ('p = .21', 'p = .004', 'p < .001', 'p = 1.00')
    >>> p_in_words(0.046), p_in_words(0.054), p_in_words(0.0501), p_in_words(0.05)
    ('p = .046', 'p = .054', 'p = .0501', 'p = .05')
    """
    if p < 0.001:
        return "p < .001"
    digits = 2 if p >= 0.01 else 3
    while round(p, digits) == 0.05 != p and digits < 6:
        digits += 1
    return f"p = {f'{p:.{digits}f}'.removeprefix('0')}"


def listed(words: Sequence[str]) -> str:
    """
    >>> listed(["size"]), listed(["accuracy", "size", "p50"])
    ('size', 'accuracy, size and p50')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def duration(seconds: float) -> str:
    """
    >>> duration(0.2), duration(42), duration(200), duration(7300)
    ('1 s', '42 s', '3 min', '2 h 2 min')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def duration_range(low: float, high: float) -> str:
    """
    >>> duration_range(120, 240), duration_range(39.8, 40.2), duration_range(50, 200)
    ('2 to 4 min', 'about 40 s', '50 s to 3 min')
    """
    least, most = duration(low), duration(high)
    if least == most:
        return f"about {most}"
    number, _, unit = least.partition(" ")
    return f"{number if most.split(' ', 1)[1] == unit else least} to {most}"


def warnings(notes: Sequence[str]) -> list[str]:
    """The notes that are warnings, without the word."""
    return [note.removeprefix(WARNING) for note in notes if note.startswith(WARNING)]


def plain_notes(notes: Sequence[str]) -> list[str]:
    """The notes that are no warnings."""
    return [note for note in notes if not note.startswith(WARNING)]


def conditions_in_words(document: Trial) -> str:
    """
    >>> from paretoscope.trials.trial import TrialDocument
    >>> conditions_in_words(TrialDocument.model_construct(latency=None, machine=None))
    'latency not measured'
    """
    _, conditions = document.measured_under
    if conditions is None:
        return "latency not measured"
    return conditions.in_words(generates=document.generates)


def machine_in_words(document: Trial) -> str:
    """
    >>> from paretoscope.trials.trial import TrialDocument
    >>> machine_in_words(TrialDocument.model_construct(machine=None))
    'machine not known'
    """
    return plain(document.machine.in_words()) if document.machine else "machine not known"


def elsewhere(machine: Machine | None, here: Machine) -> str:
    """The machine of the shipped study in relation to this one, `here`."""
    return "a machine like this one" if machine and machine.id == here.id else "another machine"


def plain(machine: str) -> str:
    """The name of a machine without trademarks and filler words, short enough for a plot.

    >>> plain("Intel(R) Xeon(R) Processor @ 2.80GHz, 2 cores, VNNI")
    'Intel Xeon @ 2.80GHz, 2 cores, VNNI'
    """
    return " ".join(re.sub(r"\((?:R|TM)\)|\b(?:Processor|CPU)\b(?=.*@)", "", machine).split())


def short_machine(machine: Machine) -> str:
    """The family of the processor and the number of cores, short enough for a button.

    >>> fields = {"id": "1", "memory_bytes": 1, "system": "", "versions": {}, "cores": 2}
    >>> short_machine(Machine(cpu="Intel(R) Xeon(R) Processor (family 6, model 167)", **fields))
    'Xeon, 2 cores'
    >>> short_machine(Machine(cpu="AMD EPYC 7B13 64-Core Processor", **fields))
    'EPYC 7B13, 2 cores'
    """
    noise = r"\((?:R|TM|family[^)]*)\)|@.*|\b(?:Intel|AMD|Processor|CPU|\d+-Core)\b"
    name = " ".join(re.sub(noise, "", machine.cpu).split()) or machine.cpu
    return f"{name}, {machine.cores} core{'s' if machine.cores > 1 else ''}"


def short(name: str) -> str:
    """The last part of a path; any other name of a model or task unchanged.

    >>> short("/home/me/models/my-bert/"), short("org/model")
    ('my-bert', 'org/model')
    """
    return name.rstrip("/").rsplit("/", 1)[-1] if name.startswith(("/", "~", ".")) else name


def when(document: Trial) -> str:
    """The day of a measurement.

    >>> from paretoscope.trials.trial import TrialDocument
    >>> when(TrialDocument.model_construct(measured_at=None))
    'date not known'
    """
    return f"{document.measured_at:%d %b %Y}" if document.measured_at else "date not known"
