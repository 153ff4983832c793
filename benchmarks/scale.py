"""Times with many trials: fill a workspace with noisy copies of the shipped study and time what
pages and commands do with it.

    python -m benchmarks.scale --trials 5000

The trials are of one model on one task, on this machine under one set of conditions: their recipes
and numbers are those of the shipped study with other settings and noise. No model is made.
"""

from __future__ import annotations

import argparse
import itertools
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from paretoscope.frontier.columns import Points
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import Constraint, MaxDrop
from paretoscope.frontier.points import objectives
from paretoscope.frontier.recommend import recommend
from paretoscope.machine import fingerprint
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.tables.table import present_metrics, rows
from paretoscope.sources.resolve import resolve_model
from paretoscope.store.store import ScopeKey, Store
from paretoscope.store.summaries import summary_row
from paretoscope.store.tables import MachineRow, Trial
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.workspace import PROJECT, Workspace


class Times(NamedTuple):
    """Seconds by the clock, and of the processor, which other programs on the machine do not
    lengthen."""

    wall: float
    cpu: float


MODEL, TASK = "minilm-trec", "trec"
AT_ONCE = 500
REPEATS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--workspace", help="keep the filled workspace here; used again if filled")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paretoscope-scale-") as folder:
        workspace = Workspace.at(args.workspace or folder)
        store = Store.open(workspace)
        start = time.perf_counter()
        missing = args.trials - store.statuses().get("done", 0)
        if missing > 0:
            fill(store, missing, args.trials - missing)
            seconds = time.perf_counter() - start
            print(
                f"{missing:,} trials written in {seconds:.0f} s ({missing / seconds:,.0f} a second)"
            )
        print(f"{'':<44} {'wall':>9} {'CPU':>9}")
        for what, found in itertools.chain(page(store), commands(workspace)):
            print(
                f"{what:<44} {1000 * found.wall:>6,.0f} ms {1000 * found.cpu:>6,.0f} ms", flush=True
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{'largest resident memory of this process':<44} {peak:>8,.0f} MB")
        store.close()


# --- filling --------------------------------------------------------------------------------------


def fill(store: Store, count: int, before: int) -> None:
    """Write so many finished trials as the engine does, many in one transaction; `before` are in
    the store already.
    """
    made, numbers = trials(before, before + count), itertools.count(store.last_summary() + 1)
    with store._write() as session:
        machine = fingerprint()
        session.merge(MachineRow(id=machine.id, fingerprint=machine.model_dump_json()))
    while batch := list(itertools.islice(made, AT_ONCE)):
        with store._write() as session:
            for (request, document), number in zip(batch, numbers, strict=False):
                trial = row(request, document)
                session.add_all((trial, summary_row(trial, document, number)))


def trials(first: int, last: int) -> Iterator[tuple[TrialRequest, TrialDocument]]:
    """Different recipes with numbers near those of the recipe of the study that they vary."""
    draw = random.Random(first)
    keys: dict[str, Any] = {
        "model_key": resolve_model(MODEL).key,
        "task_key": resolve_task(TASK).key,
    }
    studied = [each for each in shipped_study() if (each.model, each.task) == (MODEL, TASK)]
    base = next(each for each in studied if each.is_baseline)
    others = [each for each in studied if not each.is_baseline]
    start = datetime.now(UTC) - timedelta(minutes=last)
    for number in range(first, last):
        source = others[number % len(others)] if number else base
        recipe = varied(source.recipe, draw, number) if number else base.recipe
        request = TrialRequest(model=MODEL, task=TASK, recipe=recipe, **keys)
        yield request, noisy(source, request, draw, start + timedelta(minutes=number))


def varied(recipe: Recipe, draw: random.Random, number: int) -> Recipe:
    """The recipe with other shares, epochs and group sizes where it has them."""
    stages: list[dict[str, Any]] = []
    for stage in recipe.stages:
        content = stage.canonical()
        for name in {"ratio", "sparsity"} & set(type(stage).model_fields):
            if getattr(stage, "pattern", "unstructured") == "unstructured":
                content[name] = round(draw.uniform(0.1, 0.8), 3)
        if content["kind"] == "distill":
            content["epochs"] = round(draw.uniform(1, 9), 2)
        if content.get("scheme") == "weight-only":
            content["group_size"] = draw.choice((16, 32, 64, 128))
        stages.append(content)
    return parse_recipe({"seed": number, "stages": stages})


def noisy(
    source: TrialDocument, request: TrialRequest, draw: random.Random, at: datetime
) -> TrialDocument:
    """The document with its accuracy, size and times changed by some per cent."""
    by = {name: draw.gauss(1, 0.08) for name in ("size", "time")}
    lost = abs(draw.gauss(0, 0.01))
    update: dict[str, Any] = {
        "trial_id": request.trial_id,
        "recipe": request.recipe,
        "recipe_id": request.recipe.id,
        "machine": fingerprint(),
        "measured_at": at,
        "data_options": {},
    }
    if quality := source.quality:
        ends = {each: getattr(quality, each) - lost for each in ("value", "low", "high")}
        update["quality"] = quality.model_copy(update=ends)
    if artifact := source.artifact:
        size = round(artifact.size_bytes * by["size"])
        update["artifact"] = artifact.model_copy(update={"size_bytes": size})
    if latency := source.latency:
        names = [name for name in type(latency).model_fields if name.endswith("_ms")]
        times = {name: (getattr(latency, name) or 0) * by["time"] or None for name in names}
        update["latency"] = latency.model_copy(update={**times, "noisy": draw.random() < 0.03})
    if speed := source.speedup:
        update["speedup"] = Interval(**{k: v / by["time"] for k, v in speed.model_dump().items()})
    return source.model_copy(update=update)


def row(request: TrialRequest, document: TrialDocument) -> Trial:
    return Trial(
        trial_id=request.trial_id,
        model=request.model,
        model_key=request.model_key,
        task=request.task,
        task_key=request.task_key,
        request=request.model_dump_json(),
        status="done",
        priority=0,
        queued_at=document.measured_at,
        started_at=document.measured_at,
        finished_at=document.measured_at,
        attempts=1,
        lost=0,
        cancel_requested=False,
        document=document.model_dump_json(),
    )


# --- timing ---------------------------------------------------------------------------------------


def page(store: Store) -> Iterator[tuple[str, Times]]:
    """Times of the parts of a page that depend on the number of trials."""
    yield "counts of what was measured", seconds(store.scopes)
    scope = max(store.scopes(), key=lambda each: each.trials).example
    key = ScopeKey(scope.model, scope.task, *scope.measured_under)
    yield "summaries read", seconds(lambda: store.summaries(key))
    found = [each for _, each in store.summaries(key).found]
    yield "rows", seconds(lambda: rows(found, store.document))
    table = rows(found, store.document)
    judged = objectives(*found[0].axes.objectives)

    def columns() -> Points:
        points = Points(each.named_point for each in rows(found, store.document))
        for objective in judged:
            points.values(objective.key), points.ends(objective.key)
        return points

    yield "rows, points and their columns", seconds(columns)
    points = columns()
    baseline = next((each.named_point for each in table if each.is_baseline), None)
    limits = [MaxDrop(0.02), Constraint("size_bytes", 60e6)]
    yield "metrics present", seconds(lambda: present_metrics(table))
    yield "front of all", seconds(lambda: front(points, judged))
    yield "near the front", seconds(lambda: front(points, judged).statistically_on_front)
    yield (
        "limits moved: recommendation",
        seconds(lambda: recommend(points, limits, judged, baseline)),
    )
    last = store.summaries(key).last
    yield "nothing new", seconds(lambda: store.summaries(key, after=last))
    yield "a new trial read", seconds(lambda: store.summaries(key, after=last - 1))
    yield "newest 250 documents", seconds(lambda: store.newest_documents(250))


def seconds(run: Callable[[], object]) -> Times:
    """The median of several runs."""

    def once() -> Times:
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        return Times(time.perf_counter() - wall, time.process_time() - cpu)

    found = [once() for _ in range(REPEATS)]
    return Times(*(statistics.median(each) for each in zip(*found, strict=True)))


def commands(workspace: Workspace) -> Iterator[tuple[str, Times]]:
    """Times of commands, in processes of their own."""
    for words in (["frontier", MODEL, "--json"], ["frontier", MODEL], ["jobs", "--json"], ["jobs"]):
        command = [sys.executable, "-m", "paretoscope", "--workspace", str(workspace.root), *words]
        wall, cpu = time.perf_counter(), _of_children()
        subprocess.run(command, check=True, cwd=PROJECT, stdout=subprocess.DEVNULL)
        yield (
            f"paretoscope {' '.join(words)}",
            Times(time.perf_counter() - wall, _of_children() - cpu),
        )


def _of_children() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
