"""What Explore computes from the points once, and the state of each point."""

from __future__ import annotations

from typing import NamedTuple

from paretoscope.frontier.front import Frontier
from paretoscope.frontier.recommend import Recommendation
from paretoscope.report.figures.tradeoff import State


class Result(NamedTuple):
    """The front of the shown points and the recommendation under the limits."""

    found: Frontier
    advice: Recommendation


def states(result: Result) -> dict[str, State]:
    """The state of each point; a limit counts before everything else."""
    found, advice = result
    near, on_front = set(found.statistically_on_front), set(found.on_front)
    feasible = set(advice.feasible)

    def state(trial_id: str) -> State:
        if trial_id in found.references:
            return "near"  # readable, and no part of the front
        if trial_id not in feasible:
            return "excluded"
        if trial_id in on_front:
            return "front"
        return "near" if trial_id in near else "dominated"

    return {trial_id: state(trial_id) for trial_id in found.points}
