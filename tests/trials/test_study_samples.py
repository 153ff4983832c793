"""The samples of the study: written from a workspace, read like those of a trial of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.study_samples import narrowed, write_study_samples
from paretoscope.errors import StoreError
from paretoscope.trials.samples import BASELINE_SUFFIX, read_samples
from paretoscope.trials.study import shipped_study
from paretoscope.trials.study_samples import shipped_samples, study_samples_file
from paretoscope.workspace import SHIPPED, Workspace

LABELS = np.arange(40) % 3
BASE = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
SHIPPED_STUDY = SHIPPED / "demo" / "study.json.gz"
MOST_BYTES = 3_000_000


def keep(workspace: Workspace, trial_id: str, **arrays: Any) -> None:
    workspace.samples.mkdir(parents=True, exist_ok=True)
    np.savez(workspace.samples / f"{trial_id}.npz", **arrays)


@pytest.fixture
def study(workspace: Workspace, tmp_path: Path) -> Path:
    """The study's file; the samples of two classifiers and of a language model are beside it."""
    turns = {f"candidate_turn{turn}": np.linspace(1, 2, 9 + turn) for turn in range(1, 12)}
    keep(workspace, "base", logits=BASE, labels=LABELS, candidate_turn1=np.ones(3))
    keep(workspace, "int8", logits=BASE + 1, baseline_logits=BASE, labels=LABELS, **turns)
    tokens = {
        "log_probability": np.linspace(-9, -0.1, 30, dtype=np.float32),
        "top": np.arange(30, dtype=np.int32) + 49_000,
        "targets": np.arange(30, dtype=np.int32) + 48_990,
        "lengths": np.array([10, 20]),
    }
    keep(workspace, "prose", **tokens, candidate_first_turn1=np.ones(2))
    path = tmp_path / "study.json.gz"
    for model, trials in {"classifier": ["base", "int8"], "decoder": ["prose"]}.items():
        write_study_samples(study_samples_file(model, path), workspace, trials)
    return path


@pytest.mark.parametrize("trial_id", ["base", "int8", "int8" + BASELINE_SUFFIX])
def test_a_classifier_is_read_like_a_trial_of_the_workspace(
    study: Path, workspace: Workspace, trial_id: str
) -> None:
    ours, own = shipped_samples("classifier", trial_id, study), read_samples(workspace, trial_id)
    assert ours and own and ours.logits is not None and own.logits is not None
    assert ours.labels is not None and ours.labels.tolist() == LABELS.tolist()
    assert (ours.labels.dtype, ours.logits.dtype) == (np.int64, np.float32)
    np.testing.assert_allclose(ours.logits, own.logits, atol=2e-3)
    assert ours.logits.argmax(axis=1).tolist() == own.logits.argmax(axis=1).tolist()
    assert [len(turn) for turn in ours.turns_ms] == [len(turn) for turn in own.turns_ms]
    np.testing.assert_allclose(ours.latencies_ms, own.latencies_ms, rtol=1e-6)


def test_a_language_model_keeps_its_tokens(study: Path, workspace: Workspace) -> None:
    ours, own = shipped_samples("decoder", "prose", study), read_samples(workspace, "prose")
    assert ours and own and ours.tokens and own.tokens
    assert ours.labels is None
    assert ours.tokens.top.tolist() == own.tokens.top.tolist()
    assert ours.tokens.targets.tolist() == own.tokens.targets.tolist()
    assert ours.tokens.lengths.tolist() == [10, 20]
    np.testing.assert_allclose(ours.tokens.log_probability, own.tokens.log_probability, rtol=1e-3)


def test_equal_arrays_are_stored_once(study: Path) -> None:
    with np.load(study_samples_file("classifier", study)) as file:
        assert file["uint8"].size == len(LABELS), "two trials have the same labels"
        assert file["float16"].size == 2 * BASE.size, "the baseline's logits are in both trials"


def test_predictions_that_half_precision_would_change_keep_theirs() -> None:
    close = np.array([[1.0, 1.0001], [1.0001, 1.0]], dtype=np.float32)
    kept = narrowed("logits", close, {"labels": np.array([0, 1])})
    assert (kept.dtype, kept.argmax(axis=1).tolist()) == (np.float32, [1, 0])
    apart = narrowed("logits", close * [[1, 2], [2, 1]], {"labels": np.array([0, 1])})
    assert apart.dtype == np.float16


def test_what_is_not_there_is_none_and_damage_is_an_error(study: Path) -> None:
    assert shipped_samples("classifier", "unknown", study) is None
    assert shipped_samples("other", "base", study) is None
    path = study_samples_file("classifier", study)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(StoreError, match='make them again with "make demo-study"'):
        shipped_samples("classifier", "base", study)


@pytest.mark.parametrize("model", ["minilm-trec", "minilm-movies", "smollm2-135m"])
def test_shipped_samples_give_the_figures_of_the_documents(model: str) -> None:
    if not study_samples_file(model, SHIPPED_STUDY).is_file():
        pytest.skip("the study in this clone was recorded without samples")
    for document in shipped_study(SHIPPED_STUDY):
        if document.model != model:
            continue
        found = shipped_samples(model, document.trial_id, SHIPPED_STUDY)
        assert found and document.quality and document.latency
        assert len(found.latencies_ms) == document.latency.n
        assert np.median(found.latencies_ms) == pytest.approx(document.latency.p50_ms, rel=1e-6)
        if found.tokens:
            perplexity = np.exp(-found.tokens.log_probability.astype(np.float64).mean())
            assert perplexity == pytest.approx(document.quality.value, rel=2e-4)
        else:
            assert found.logits is not None and found.labels is not None
            right = found.logits.argmax(axis=1) == found.labels
            assert right.mean() == pytest.approx(document.quality.value, abs=1e-12)


def test_all_samples_are_within_the_budget() -> None:
    sizes = [path.stat().st_size for path in SHIPPED_STUDY.parent.iterdir()]
    assert 0 < sum(sizes) <= MOST_BYTES
