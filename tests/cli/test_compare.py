"""`compare`: pairs of trials."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.study_samples import write_study_samples
from paretoscope.cli.parser import main
from paretoscope.store.store import Store
from paretoscope.trials import study
from paretoscope.trials.study import shipped_study
from paretoscope.trials.study_samples import study_samples_file
from paretoscope.workspace import Workspace
from tests.cli.test_verbs import Say
from tests.cli.trials import HALF, INT8, done
from tests.engine.processes import toy


def test_compare_pairs_trials_by_what_they_kept(
    say: Say, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    int8, half = done(store, INT8), done(store, HALF)
    (store.root / "samples").mkdir()
    for kept, answers in ((int8, [0, 1, 1, 0]), (half, [0, 0, 1, 1])):
        logits = np.eye(2, dtype=np.float32)[answers]
        np.savez(
            store.root / "samples" / f"{kept.trial_id}.npz",
            logits=logits,
            labels=np.array([0, 1, 1, 1]),
            candidate_turn1=np.ones(3),
        )
    found = say("compare", int8.trial_id[:6], half.trial_id)
    assert [trial["trial_id"] for trial in found["trials"]] == [int8.trial_id, half.trial_id]
    (pair,) = found["pairs"]
    assert (pair["first"], pair["second"], pair["n"], pair["reason"]) == (
        int8.trial_id,
        half.trial_id,
        4,
        "",
    )
    assert {key: pair["paired"][key] for key in ("lost", "gained", "mcnemar_p", "agreement")} == {
        "lost": 1,
        "gained": 1,
        "mcnemar_p": 1.0,
        "agreement": 0.5,
    }
    assert {
        "stage": "Quantize",
        "field": "",
        "values": {int8.trial_id: "int8 dynamic", half.trial_id: "–"},
    } in found["recipe_differences"]
    assert set(found["dominates"]) == {int8.trial_id, half.trial_id}
    assert main(["compare", int8.trial_id, half.trial_id]) == 0
    assert (
        "50 % sparse vs int8: 1 of 4 lost, 1 gained, p = 1.00: no clear difference"
        in capsys.readouterr().out
    )


def test_compare_knows_a_study_without_samples(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(study.STUDY, tmp_path)
    monkeypatch.setattr(study, "STUDY", tmp_path / study.STUDY.name)
    baseline, int8, *_ = [each for each in shipped_study() if each.model == "minilm-trec"]
    found = say("compare", int8.trial_id, baseline.trial_id)
    (pair,) = found["pairs"]
    assert (pair["first"], pair["paired"]) == (
        baseline.trial_id,
        int8.paired and int8.paired.model_dump(),
    ), "as it was found when it was measured"
    beside = (  # as tables name it where the baseline has no trial of its own
        f"{int8.trial_id}-baseline"
    )
    found = say("compare", int8.trial_id, beside)
    assert [trial["trial_id"] for trial in found["trials"]] == [int8.trial_id, beside]
    assert found["pairs"][0]["first"] == beside


def test_compare_pairs_trials_of_the_study_by_its_samples(
    say: Say, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, one, other, *_ = [each for each in shipped_study() if each.model == "minilm-trec"]
    shutil.copy(study.STUDY, tmp_path)
    monkeypatch.setattr(study, "STUDY", tmp_path / study.STUDY.name)
    (store.root / "samples").mkdir()
    for kept, answers in ((one, [0, 1, 1, 0]), (other, [0, 0, 0, 1])):
        np.savez(
            store.root / "samples" / f"{kept.trial_id}.npz",
            logits=np.eye(2, dtype=np.float32)[answers],
            labels=np.array([0, 1, 1, 1]),
        )
    ids = [one.trial_id, other.trial_id]
    write_study_samples(study_samples_file("minilm-trec"), Workspace.at(store.root), ids)
    shutil.rmtree(store.root / "samples")
    (pair,) = say("compare", *ids)["pairs"]
    assert (pair["n"], pair["paired"]["lost"], pair["paired"]["gained"]) == (4, 2, 1)


def test_what_cannot_be_compared_is_refused(store: Store, refused: Callable[..., str]) -> None:
    int8 = done(store, INT8).trial_id
    other = done(store, HALF, task="other").trial_id
    assert "needs two different trials" in refused("compare", int8, int8[:6])
    assert 'There is no trial "unknown"' in refused("compare", int8, "unknown")
    assert "Trials of different tasks cannot be compared" in refused("compare", int8, other)
    waiting = store.queue(toy("plain")).trial_id
    assert f"Trial {waiting} is queued and has no results" in refused("compare", int8, waiting)
