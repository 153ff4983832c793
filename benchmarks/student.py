"""A 3-layer student in int8 beside a control of equal budget that never saw the teacher, over several seeds.

    python benchmarks/student.py [minilm-trec] [--seeds 0,1,2]

Both sides are the same recipe but for `soft_weight`; accuracy is on the validation split through the artefact,
speed-up against fp32 in the same sitting.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from compression.catalog import request
from compression.engine.pipeline import run_trial
from compression.recipe import Distill, Recipe
from compression.recipe_file import load_recipe
from compression.trial import TrialDocument
from compression.workspace import PROJECT, Workspace

RECIPE = PROJECT / "data" / "recipes" / "student-int8.yaml"


def variant(recipe: Recipe, seed: int, *, teacher: bool) -> Recipe:
    """The recipe under a seed, with its teacher or without: the control's whole loss is on the labels."""
    stages = [stage.model_copy(update={"soft_weight": 0.0}) if isinstance(stage, Distill) and not teacher else stage for stage in recipe.stages]
    return recipe.model_copy(update={"seed": seed, "stages": tuple(stages)})


def run(model: str, recipe: Recipe, workspace: Workspace) -> TrialDocument:
    return run_trial(request(model, recipe), workspace, lambda progress: None)


def line(name: str, document: TrialDocument) -> None:
    assert document.quality and document.baseline and document.speedup
    kept = document.quality.value / document.baseline.quality.value
    training = sum(cost for stage, cost in zip(document.recipe.stages, document.stage_seconds, strict=True) if isinstance(stage, Distill))
    print(
        f"{name:<24} accuracy {document.quality.value:.4f} = {kept:.1%} of fp32 {document.baseline.quality.value:.4f}, "
        f"speed-up {document.speedup.value:.2f} [{document.speedup.low:.2f}, {document.speedup.high:.2f}], training {training:.0f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="minilm-trec")
    parser.add_argument("--seeds", default="0,1,2")
    asked = parser.parse_args()
    recipe = load_recipe(RECIPE)
    gains: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        for seed in map(int, asked.seeds.split(",")):
            taught = run(asked.model, variant(recipe, seed, teacher=True), workspace)
            line(f"seed {seed}, with teacher", taught)
            control = run(asked.model, variant(recipe, seed, teacher=False), workspace)
            line(f"seed {seed}, labels only", control)
            assert taught.quality and control.quality
            gains.append((taught.quality.value - control.quality.value) * 100)
    spread = f" (standard deviation {statistics.stdev(gains):.2f})" if len(gains) > 1 else ""
    print(f"gain by the teacher: {statistics.mean(gains):+.2f} points{spread}")
    print("wanted: at least 97 % of fp32, 3 times as fast, 5 minutes of training")


if __name__ == "__main__":
    main()
