"""A tenth of the bytes, compared with int8 models by public tools.

Reports the share of accuracy kept, bytes, speed-up and seconds to make, and whether a model of ours
dominates each public one. Ours are the tenth, some shipped recipes and `SMALLER`. Every model is
interleaved with the same fp32 model in ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.artifact_bytes import artifact_bytes
from benchmarks.encoders.evaluation import (
    CONDITIONS,
    Evaluated,
    Options,
    bench_of,
    difference,
    evaluated,
    points,
    share_kept,
    timed,
)
from benchmarks.encoders.expected_minutes import Workload
from benchmarks.encoders.peers import PEERS, peer_model
from benchmarks.verdicts import title, verdict, with_interval
from paretoscope.artifact.pack import written_bytes
from paretoscope.engine.build import Bench
from paretoscope.errors import ArtifactError
from paretoscope.frontier.pareto import Vector, dominates
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize
from paretoscope.trials.trial import Interval
from paretoscope.workspace import PROJECT

RECIPES = PROJECT / "data" / "recipes"
TENTHS = {"minilm-trec": ("trec-tenth", 5.0), "minilm-movies": ("movies-tenth", 3.0)}
"""Model -> recipe and target speed-up."""
SHIPPED = ("int8", "int8-static", "int8-smooth", "vocabulary-int8", "student-int8")
SMALLER = {
    "int8, embedding 4": Quantize(embedding_bits=4),
    "int8-static, embedding 4": Quantize(
        scheme="int8-static", calibration="percentile", embedding_bits=4
    ),
}
"""Chosen on the validation split of minilm-trec, so only another split or model is a fair test."""
LEAST_KEPT, MOST_BYTES, MOST_MINUTES = 0.99, 0.1, 20.0


@dataclass(frozen=True)
class Point:
    """A compared model. `correct` [n] is 1.0 where a prediction is correct.

    `seconds` are those of the recipe's stages, or of the peer's whole process.
    """

    name: str
    correct: np.ndarray
    bytes: int
    speedup: Interval
    seconds: float
    noisy: bool

    def vector(self) -> Vector:
        """Error rate, bytes and relative latency, all to be minimized."""
        return 1 - float(self.correct.mean()), float(self.bytes), 1 / self.speedup.value


def run(options: Options) -> None:
    for model in options.models:
        if model not in TENTHS:
            print(f"\n## tenth: no recipe for a tenth of the bytes of {model}")
            continue
        title("tenth", f"{model}, {CONDITIONS.in_words()}, protocol {options.protocol}")
        _compare(options, model)


def _compare(options: Options, model: str) -> None:
    name, target_speedup = TENTHS[model]
    bench = bench_of(options, model)
    baseline = evaluated(options, bench, Recipe())
    accuracy = with_interval(baseline.accuracy, 4)
    print(f"  {'fp32':<24} accuracy {accuracy}, {baseline.bytes / 1e6:.2f} MB")
    ours = [
        _ours(options, bench, baseline, words, recipe) for words, recipe in _recipes(name).items()
    ]
    if ours[0].name == name:
        _check(ours[0], baseline, target_speedup)
    else:
        verdict(f"{name}.yaml", "recipe not found", False)
    for peer in _peers(options, bench, baseline):
        _check_dominated(peer, ours)


def workload(options: Options, model: str) -> Workload:
    recipes = tuple(_recipes(TENTHS[model][0]).values()) if model in TENTHS else ()
    return Workload(recipes, timed=len(recipes), peers=len(PEERS) if recipes else 0)


def _recipes(tenth: str) -> dict[str, Recipe]:
    """The models of ours by name, the tenth first."""
    files = {name: RECIPES / f"{name}.yaml" for name in (tenth, *SHIPPED)}
    found = {name: load_recipe(path) for name, path in files.items() if path.is_file()}
    return found | {name: Recipe(stages=(stage,)) for name, stage in SMALLER.items()}


def _ours(options: Options, bench: Bench, baseline: Evaluated, name: str, recipe: Recipe) -> Point:
    found = evaluated(options, bench, options.recipe(*recipe.stages, seed=recipe.seed))
    speedup, noisy = timed(options, bench, found.made, baseline.made)
    trial = bench.request.model_copy(update={"recipe": recipe})
    # The recipe, manifest, card and script are part of an artefact.
    size = found.bytes + written_bytes(trial, decoder=False)
    point = Point(name, found.correct, size, speedup, sum(found.made.stage_seconds), noisy)
    return _print_point(point, baseline)


def _peers(options: Options, bench: Bench, baseline: Evaluated) -> Iterator[Point]:
    """The public models that this machine can make, evaluated and timed in the same way."""
    for by, tool in PEERS.items():
        try:
            found = peer_model(options, bench, baseline, by)
        except ArtifactError as error:
            verdict(f"a model of ours dominates {tool.name}", str(error), False)
            continue
        size = artifact_bytes(found.folder)
        point = Point(tool.name, found.correct, size, found.speedup, found.seconds, found.noisy)
        yield _print_point(point, baseline)


def _print_point(point: Point, baseline: Evaluated) -> Point:
    kept, share = share_kept(point.correct, baseline.correct), point.bytes / baseline.bytes
    speedup = with_interval(point.speedup, 2) + (", noisy" if point.noisy else "")
    print(
        f"  {point.name:<24} accuracy {point.correct.mean():.4f}, kept {with_interval(kept)},"
        f" {point.bytes / 1e6:.2f} MB = {share:.3f}, speed-up {speedup}, made in"
        f" {point.seconds:.0f} s",
        flush=True,
    )
    return point


def _check(point: Point, baseline: Evaluated, target_speedup: float) -> None:
    kept, share = share_kept(point.correct, baseline.correct), point.bytes / baseline.bytes
    verdict(
        f"keeps at least {LEAST_KEPT:.0%} of fp32", with_interval(kept), kept.value >= LEAST_KEPT
    )
    verdict(f"at most {MOST_BYTES:.0%} of the bytes", f"{share:.1%}", share <= MOST_BYTES)
    verdict(
        f"at least {target_speedup:g} times as fast",
        with_interval(point.speedup, 2),
        point.speedup.value >= target_speedup,
    )
    verdict(
        f"made within {MOST_MINUTES:.0f} minutes",
        f"{point.seconds / 60:.1f} minutes",
        point.seconds <= MOST_MINUTES * 60,
    )


def _check_dominated(peer: Point, ours: Sequence[Point]) -> None:
    """Check whether a model of ours dominates the peer in the measured values.

    If none does, name the models that are smaller and faster, with their difference in accuracy.
    """
    dominating = [point.name for point in ours if dominates(point.vector(), peer.vector())]
    close = [
        f"{point.name} is smaller and faster at {points(difference(point.correct, peer.correct))}"
        for point in ours
        if all(x < y for x, y in zip(point.vector()[1:], peer.vector()[1:], strict=True))
    ]
    result = ", ".join(dominating) or "; ".join(close) or "no point is smaller and faster"
    verdict(f"a model of ours dominates {peer.name}", result, bool(dominating))
