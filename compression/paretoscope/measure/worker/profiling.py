"""The process that profiles a classifier's graph: nanoseconds of every node in every run.

It is started as `python -m paretoscope.measure.worker.profiling`. Two sessions of the same graph
follow each other, first without the profiler, so that its own cost is known.
"""

from __future__ import annotations

import gc
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paretoscope.measure.worker.classifier import Feed, synthetic_requests, warm_up
from paretoscope.measure.worker.messages import ProfileAnswer, ProfileRequest
from paretoscope.measure.worker.serving import blame, serve, session

KERNEL = "_kernel_time"
"""Ending of the name of an event that is the execution of a node."""


def profile(request: ProfileRequest) -> ProfileAnswer:
    """One process: runs without the profiler, then with it."""
    feeds = synthetic_requests(
        request["batch"], request["sequence"], request["lowest_id"], request["highest_id"]
    )
    plain = _timed(session(request["model"], request["threads"]), feeds, request)[1]
    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        opened = session(
            request["model"], request["threads"], profile=str(Path(folder) / "profile")
        )
        before, _ = _timed(opened, feeds, request)
        events = json.loads(Path(opened.end_profiling()).read_bytes())
    nodes, operators, durations, whole = by_node(events, before, request["runs"])
    return {
        "plain_ns": plain,
        "profiled_ns": whole,
        "nodes": nodes,
        "operators": operators,
        "durations_ns": durations,
    }


def _timed(opened: Any, feeds: list[Feed], request: ProfileRequest) -> tuple[int, list[int]]:
    """Number of runs of the warm-up, and nanoseconds of the runs after it."""

    def run(number: int) -> int:
        start = time.perf_counter_ns()
        opened.run(None, feeds[number % len(feeds)])
        return time.perf_counter_ns() - start

    measure: Callable[[int], int] = run
    with blame(request["model"], "run"):
        before, _ = warm_up(measure, request["warm_up_s"])
        return before, [run(number) for number in range(request["runs"])]


def by_node(
    events: list[dict[str, Any]], before: int, runs: int
) -> tuple[list[str], list[str], list[list[int]], list[int]]:
    """Names and operators of all nodes, their nanoseconds [nodes][runs], and those of whole runs.

    The first `before` runs are left out. A node that is executed several times in a run counts with
    their sum.
    """
    found: dict[str, list[int]] = {}
    operators: dict[str, str] = {}
    whole: list[int] = []
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(KERNEL):
            name = event["name"].removesuffix(KERNEL)
            found.setdefault(name, []).append(1000 * int(event["dur"]))
            operators[name] = event["args"]["op_name"]
        elif event.get("name") == "model_run":
            whole.append(1000 * int(event["dur"]))
    durations: list[list[int]] = []
    for times in found.values():
        each = max(1, len(times) // (before + runs))
        last = times[-each * runs :]
        durations.append([sum(last[start : start + each]) for start in range(0, len(last), each)])
    return list(found), [operators[name] for name in found], durations, whole[-runs:]


if __name__ == "__main__":
    serve({"profile": profile})
