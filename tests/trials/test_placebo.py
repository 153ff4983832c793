from __future__ import annotations

import pytest

from paretoscope.trials.format import speed_in_words, speed_with_interval
from paretoscope.trials.placebo import no_measurable_change, spread
from paretoscope.trials.trial import Interval

CALM = Interval(value=1.01, low=0.99, high=1.02)
WILD = Interval(value=0.9, low=0.85, high=1.01)


@pytest.mark.parametrize(
    ("speedup", "placebo", "unchanged"),
    [
        (Interval(value=1.04, low=1.02, high=1.05), CALM, False),
        (Interval(value=1.04, low=1.02, high=1.05), WILD, True),
        (Interval(value=0.96, low=0.94, high=0.98), WILD, True),
        (Interval(value=1.18, low=1.15, high=1.2), WILD, False),
        (Interval(value=0.84, low=0.8, high=0.85), WILD, False),
        (Interval(value=1.3, low=0.99, high=1.5), CALM, True),
        (Interval(value=1.001, low=1.0005, high=1.002), CALM, True),
    ],
)
def test_a_change_exceeds_what_the_baseline_shows_against_itself(
    speedup: Interval, placebo: Interval, unchanged: bool
) -> None:
    assert no_measurable_change(speedup, placebo) is unchanged
    words = speed_in_words(speedup, placebo)
    assert ("faster" in words or "slower" in words) is not unchanged
    assert speed_with_interval(speedup, placebo).startswith(words)


def test_a_speed_up_and_its_inverse_are_judged_alike() -> None:
    assert spread(WILD) == pytest.approx(1 / 0.85)
    for value in (1.1, 1.17, 1.18, 1.3):
        speedup = Interval(value=value, low=value, high=value)
        slower = Interval(value=1 / value, low=1 / value, high=1 / value)
        assert no_measurable_change(speedup, WILD) is no_measurable_change(slower, WILD)
