"""Whether chance explains a change of accuracy, in words with the counts behind them."""

from __future__ import annotations

import math

from paretoscope.trials.format import p_in_words
from paretoscope.trials.trial import Paired

SIGNIFICANT, BORDERLINE = 0.05, 0.10
"""A p below the first is a clear change, below the second a borderline one."""
FEWEST_LOST = 6
"""Of so few lost examples and no gained one, McNemar's exact test has p < .05."""
COARSE = 0.05
"""With a larger undetectable loss, the number of texts is too small for a verdict."""


def chance(paired: Paired, n: int) -> str:
    """Whether chance explains a change on `n` examples, with the counts behind the verdict.

    >>> chance(Paired(agreement=0.9, lost=24, gained=20, mcnemar_p=0.65), 538)
    'within chance (24 lost, 20 gained)'
    >>> chance(Paired(agreement=0.9, lost=22, gained=10, mcnemar_p=0.0501), 538)
    'borderline, probably a loss (22 lost, 10 gained, p = .0501)'
    >>> chance(Paired(agreement=0.9, lost=30, gained=10, mcnemar_p=0.002), 538)
    'a clear loss (30 lost, 10 gained, p = .002)'
    >>> chance(Paired(agreement=0.9, lost=3, gained=2, mcnemar_p=1.0), 45)
    'too few texts (45) to detect a loss under 14 points (3 lost, 2 gained)'
    """
    counts = f"{paired.lost} lost, {paired.gained} gained"
    if paired.mcnemar_p < BORDERLINE:
        counts += f", {p_in_words(paired.mcnemar_p)}"
    return f"{verdict(paired, n)} ({counts})"


def verdict(paired: Paired, n: int) -> str:
    """Whether chance explains a change on `n` examples, in a few words.

    >>> verdict(Paired(agreement=0.9, lost=24, gained=20, mcnemar_p=0.65), 538)
    'within chance'
    """
    what = "loss" if paired.lost > paired.gained else "gain"
    if paired.mcnemar_p < SIGNIFICANT:
        return f"a clear {what}"
    if paired.mcnemar_p < BORDERLINE:
        return f"borderline, probably a {what}"
    if n and FEWEST_LOST / n > COARSE:
        points = math.ceil(100 * FEWEST_LOST / n)
        return f"too few texts ({n}) to detect a loss under {points} points"
    return "within chance"
