"""How often a measurement session calls a model faster or slower than itself.

    python -m benchmarks.placebo [--count 100] [--protocol quick] [--model minilm-trec]

Each of the sessions times three copies of one artefact, as it times a model, its baseline and its
placebo. A copy that is called faster or slower is a false alarm: at most 5 of 100 are wanted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from paretoscope.catalog import request
from paretoscope.engine.build import Bench
from paretoscope.engine.progress import Steps
from paretoscope.machine import fingerprint
from paretoscope.measure import locks
from paretoscope.measure.latency import measure_interleaved
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.placebo import no_measurable_change, spread
from paretoscope.trials.request import Conditions, Protocol
from paretoscope.workspace import Workspace

WANTED = 0.05


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--protocol", choices=("quick", "standard"), default="quick")
    parser.add_argument("--model", default="minilm-trec")
    parser.add_argument("--to", type=Path, help="JSON file for every session")
    given = parser.parse_args()
    asked = request(given.model, Recipe(), protocol=given.protocol)
    with tempfile.TemporaryDirectory(prefix="paretoscope-placebo-") as folder:
        bench = Bench(asked, Workspace.at(folder), Steps(asked.recipe, lambda _: None))
        made = bench.make(Recipe()).folder
        sessions: list[dict[str, Any]] = []
        for number in range(1, given.count + 1):
            sessions.append(each := _session(made, asked.conditions, given.protocol))
            print(
                f"{number}: {each['value']:.3f} [{each['low']:.3f}, {each['high']:.3f}], placebo's"
                f" spread {each['spread']:.3f}, {'no change' if each['unchanged'] else 'ALARM'}",
                flush=True,
            )
    alarms = sum(not each["unchanged"] for each in sessions)
    by_interval = sum(not each["low"] <= 1 <= each["high"] for each in sessions)
    spreads = sorted(each["spread"] for each in sessions)
    print(f"{fingerprint().in_words()}, {given.model}, {given.protocol}")
    print(f"called faster or slower: {alarms} of {given.count}")
    print(f"interval excludes 1, without the placebo: {by_interval} of {given.count}")
    print(
        f"spread of the placebo: median {spreads[len(spreads) // 2]:.3f}, largest {spreads[-1]:.3f}"
    )
    if given.to:
        given.to.write_text(json.dumps(sessions, indent=1), encoding="utf-8")
    return 0 if alarms <= WANTED * given.count else 1


def _session(folder: Path, conditions: Conditions, protocol: Protocol) -> dict[str, Any]:
    with locks.measuring():
        found = measure_interleaved(folder, folder, conditions, protocol)
    assert found.speedup
    return {
        **found.speedup.model_dump(),
        "placebo": found.placebo.model_dump(),
        "spread": spread(found.placebo),
        "unchanged": no_measurable_change(found.speedup, found.placebo),
        "noisy": found.noisy,
    }


if __name__ == "__main__":
    sys.exit(main())
