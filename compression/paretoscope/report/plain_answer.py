"""A model in the words of a reader who does not know the project: speed, size, quality."""

from __future__ import annotations

from paretoscope.report.tables.table import Row
from paretoscope.report.verdict import verdict
from paretoscope.trials.metrics import metric
from paretoscope.trials.placebo import no_measurable_change

KEEP = "Keep the original model."
"""The answer where no compressed model improves on it."""
WIDE = 1.2
"""A speed-up is shown with its interval when the upper end is this many times the lower one."""
SAME_SIZE = 1.05
"""A ratio of sizes below it is no difference."""


def sentence(row: Row) -> str:
    """Speed, size and quality against the original: "5x faster, 12x smaller, accuracy within
    chance."
    """
    text = ", ".join(part for part in parts(row) if part)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def parts(row: Row) -> tuple[str, str, str]:
    """Speed, size and quality; each may be empty."""
    return speed(row), size(row), quality_word(row)


def speed(row: Row) -> str:
    """ "5.1x faster"; "same speed" within the interval or the placebo; empty if not measured.

    A wide interval is shown: "7.8x faster [5.3x, 16x]".
    """
    found = row.document.speedup
    if found is None:
        return ""
    if no_measurable_change(found, row.document.placebo):
        return "same speed"
    faster = found.value > 1
    ends = (found.low, found.high) if faster else (1 / found.high, 1 / found.low)
    words = f"{times(max(found.value, 1 / found.value))} {'faster' if faster else 'slower'}"
    wide = ends[1] > WIDE * ends[0]
    return f"{words} [{times(ends[0])}, {times(ends[1])}]" if wide else words


def size(row: Row) -> str:
    """ "12x smaller"; "same size" below a ratio of 1.05."""
    mine, base = row.point.value("size_bytes"), row.baseline.get("size_bytes")
    if not mine or not base:
        return ""
    ratio = max(base / mine, mine / base)
    if ratio < SAME_SIZE:
        return "same size"
    return f"{times(ratio)} {'smaller' if mine < base else 'larger'}"


def times(ratio: float) -> str:
    """A ratio without false precision.

    >>> times(11.7), times(5.12), times(2.29), times(2.0)
    ('12x', '5.1x', '2.3x', '2x')
    """
    return f"{ratio:.0f}x" if ratio >= 9.95 else f"{round(ratio, 1):g}x"


def quality_word(row: Row) -> str:
    """ "accuracy within chance", "accuracy 1.9 points lower", "perplexity 1.8 % higher"."""
    document, axes = row.document, row.document.axes
    value, base = row.point.value(axes.quality), row.baseline.get(axes.quality)
    name = metric(axes.quality).called
    if value is None or base is None or document.paired is None or document.is_baseline:
        return ""
    if (change := document.paired.change) is not None:
        if change.low <= 0 <= change.high:
            return f"{name} within chance"
        return f"{name} {abs(100 * change.value):.2g} % {'higher' if change.value > 0 else 'lower'}"
    n = document.quality.n if document.quality else 0
    found = verdict(document.paired, n)
    if found in ("a clear loss", "a clear gain"):
        points = abs(value - base) * 100
        return f"{name} {points:.1f} points {'lower' if value < base else 'higher'}"
    return f"{name} {found}"


def quality_line(row: Row) -> str:
    """ "92.6 % (original 93.1, within chance)"."""
    document, of = row.document, metric(row.document.axes.quality)
    value, base = row.point.value(of.key), row.baseline.get(of.key)
    if value is None:
        return ""
    shown = f"{of.before}{of.format(value)}"
    if document.is_baseline or base is None or document.paired is None:
        return shown
    n = document.quality.n if document.quality else 0
    if (change := document.paired.change) is None:
        return f"{shown} (original {of.number(base)}, {verdict(document.paired, n)})"
    return f"{shown} (original {of.number(base)}, {100 * change.value:+.2g} %)"
