"""Real trials of a tiny model, and samples made by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paretoscope import catalog
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill
from paretoscope.store.store import Store
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace

Keep = Callable[[TrialDocument, Sequence[Sequence[float]], Sequence[int]], None]


@pytest.fixture(scope="session")
def tiny(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[tuple[TrialRequest, TrialDocument]]]:
    """A folder with a tiny model, its data, and a workspace with two real trials of it: the
    baseline and its second layer alone.
    """
    from paretoscope.engine.pipeline import (
        run_trial,
    )  # torch, which the other tests here do without
    from tests.tiny.factory import make_tiny

    folder = tmp_path_factory.mktemp("compare")
    make_tiny("bert", folder / "model")
    generator = np.random.default_rng(0)
    rows = [
        f"{' '.join(generator.choice('what who where good bad film plot city'.split(), size=5))}"
        f" {number}"
        for number in range(240)
    ]
    (folder / "own.csv").write_text(
        "text,label\n" + "\n".join(f"{text},{'ab'[at % 2]}" for at, text in enumerate(rows)),
        encoding="utf-8",
    )
    recipes = Recipe(), Recipe(stages=(Distill(layers=1, teacher_layers=(1,), epochs=0),))
    requests = [
        catalog.request(str(folder / "model"), recipe, task=str(folder / "own.csv"))
        for recipe in recipes
    ]
    workspace = Workspace.at(folder / "workspace")
    return folder, [
        (request, run_trial(request, workspace, lambda progress: None)) for request in requests
    ]


@pytest.fixture
def measured(
    tiny: tuple[Path, list[tuple[TrialRequest, TrialDocument]]], store: Store
) -> dict[str, str | list[str]]:
    """The two trials in the store of this test, and the query that compares them."""
    folder, trials = tiny
    for part in ("samples", "artifacts"):
        shutil.copytree(folder / "workspace" / part, store.root / part)
    for request, made in trials:
        store.queue(request)
        (row,) = store.claim()
        record = made.artifact
        assert record
        here = made.model_copy(
            update={"artifact": record.model_copy(update={"path": f"artifacts/{made.trial_id}"})}
        )
        assert store.finish(row.trial_id, row.attempts, here)
    request = trials[0][0]
    return {
        "model": request.model,
        "task": request.task,
        "pick": [made.trial_id for _, made in trials],
    }


@pytest.fixture
def keep(store: Store) -> Keep:
    """Writes samples of a trial."""

    def kept_samples(
        kept: TrialDocument, logits: Sequence[Sequence[float]], labels: Sequence[int]
    ) -> None:
        folder = store.root / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        assert kept.latency
        turns: dict[str, Any] = {
            f"candidate_turn{turn}": np.full(30, kept.latency.p50_ms) for turn in (1, 2)
        }
        np.savez(
            folder / f"{kept.trial_id}.npz",
            logits=np.array(logits, dtype=np.float32),
            labels=np.array(labels),
            **turns,
        )

    return kept_samples
