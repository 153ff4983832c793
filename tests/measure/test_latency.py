from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paretoscope.errors import ArtifactError, ParetoscopeError
from paretoscope.measure import latency
from paretoscope.measure import session as session_module
from paretoscope.measure.latency import Plan, measure_interleaved, token_ids
from paretoscope.measure.session import MeasurementSession
from paretoscope.measure.worker.messages import LatencyAnswer, LatencyRequest
from paretoscope.trials.request import Conditions
from tests.measure.classifiers import MakeArtifact

_ONE_THREAD = Conditions(batch=2, sequence=8, threads=1)
_MB = 10**6


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns of a tenth of a second."""
    monkeypatch.setitem(
        latency.PLANS,
        "quick",
        Plan(turns=2, warm_up_s=0.2, samples=40, fewest=10, least_s=0.02, most_s=0.3),
    )


@pytest.mark.usefixtures("short")
def test_a_slower_baseline_gives_a_speed_up(
    make_artifact: MakeArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is asserted here is the arithmetic of real samples, not that this machine is quiet.
    monkeypatch.setattr(session_module, "MOST_DRIFT", 1e9)
    steps: list[tuple[int, int]] = []
    session = measure_interleaved(
        make_artifact("fast"),
        make_artifact("slow", squarings=4),
        _ONE_THREAD,
        "quick",
        lambda *at: steps.append(at),
    )
    assert steps == [*((turn, 6) for turn in range(1, 7))]
    assert session.baseline
    assert session.speedup
    assert session.speedup.low <= session.speedup.value <= session.speedup.high
    assert session.speedup.value == pytest.approx(
        session.baseline.latency.p50_ms / session.candidate.latency.p50_ms
    )
    assert session.speedup.low > 2
    assert not session.noisy
    assert not any("spin" in note for note in session.notes), (
        "what holds for every sitting is no note of this one"
    )


@pytest.mark.usefixtures("short")
def test_what_one_side_holds(make_artifact: MakeArtifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MOST_DRIFT", 1e9)
    monkeypatch.setenv("PARETOSCOPE_WATTS_PER_CORE", "10")
    session = measure_interleaved(make_artifact("alone"), None, _ONE_THREAD, "quick")
    assert session.baseline is None
    assert session.speedup is None
    side = session.candidate
    samples = np.concatenate(side.turns_ms)
    at = side.latency
    assert (at.batch, at.sequence, at.threads, at.n) == (2, 8, 1, len(samples))
    assert at.n >= 80
    assert at.p50_low_ms is not None
    assert at.p50_high_ms is not None
    assert at.p95_ms is not None
    assert at.p50_low_ms <= at.p50_ms <= at.p50_high_ms <= at.p95_ms
    assert at.p50_ms == pytest.approx(np.median(samples))
    assert at.load_ms is not None
    assert at.load_ms > 0
    assert (at.p99_ms is not None) == (at.n >= 299)
    assert side.memory.peak_bytes >= side.memory.steady_bytes >= 0
    if side.energy.source.startswith("estimate"):
        assert side.energy.joules_per_request == pytest.approx(at.p50_ms * 1e-3 * 10 / 2)
    arrays = session.arrays()
    assert list(arrays) == ["candidate_turn1", "candidate_turn2"]
    np.testing.assert_array_equal(np.concatenate(list(arrays.values())), samples)


@pytest.mark.usefixtures("short")
def test_memory_is_that_of_the_model(
    make_artifact: MakeArtifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of 40 MB more takes 40 MB more in steady state, and at least so much at its peak."""
    import onnx
    from onnx import numpy_helper

    monkeypatch.setattr(session_module, "MOST_DRIFT", 1e9)
    small, large = make_artifact("small"), make_artifact("large")
    model = onnx.load(large / "model.onnx")
    embedding = next(each for each in model.graph.initializer if each.name == "embedding")
    rows = 40 * _MB // (4 * 16)
    embedding.CopyFrom(numpy_helper.from_array(np.ones((rows, 16), dtype=np.float32), "embedding"))
    onnx.save(model, large / "model.onnx")
    session = measure_interleaved(large, small, _ONE_THREAD, "quick")
    assert session.baseline
    more = session.candidate.memory.steady_bytes - session.baseline.memory.steady_bytes
    assert 35 * _MB < more < 90 * _MB
    assert session.candidate.memory.peak_bytes - session.baseline.memory.peak_bytes > 35 * _MB


def _answer(ms: float) -> LatencyAnswer:
    return {
        "samples_ns": [round(ms * 1e6)] * 40,
        "load_ms": 1.0,
        "warm_up_runs": 40,
        "stable": True,
        "empty_bytes": 10,
        "loaded_bytes": 20,
        "peak_bytes": 40,
        "steady_bytes": 30,
        "peak_from_start": False,
        "joules": None,
    }


Script = Callable[[list[float]], MeasurementSession]


@pytest.fixture
def scripted(make_artifact: MakeArtifact, monkeypatch: pytest.MonkeyPatch) -> Script:
    """A session whose turns take exactly these milliseconds: baseline, artefact, placebo, then
    baseline, placebo, artefact.
    """
    artifact, baseline = make_artifact("artifact"), make_artifact("baseline")
    monkeypatch.setitem(latency.PLANS, "quick", replace(latency.PLANS["quick"], turns=2))

    def run(turns_ms: list[float]) -> MeasurementSession:
        asked: list[str] = []

        def ask(request: LatencyRequest) -> LatencyAnswer:
            asked.append(Path(request["model"]).parent.name)
            return _answer(turns_ms[len(asked) - 1])

        monkeypatch.setattr(latency, "ask_latency", ask)
        session = measure_interleaved(artifact, baseline, Conditions(threads=1), "quick")
        two_turns = ["baseline", "artifact", "baseline", "baseline", "baseline", "artifact"]
        assert asked == two_turns * (len(turns_ms) // 6)
        return session

    return run


def test_turns_alternate_and_a_calm_baseline_is_measured_once(scripted: Script) -> None:
    session = scripted([4.0, 2.0, 4.2, 4.1, 4.4, 2.0])
    assert not session.noisy
    assert session.speedup
    assert session.speedup.value == pytest.approx(4.05 / 2.0)
    assert session.placebo.value == pytest.approx(4.05 / 4.3)
    assert session.placebo.low == pytest.approx(4.1 / 4.4)
    assert session.placebo.high == pytest.approx(4.0 / 4.2)
    assert session.candidate.memory.peak_bytes == 30
    assert session.candidate.memory.steady_bytes == 20
    assert session.notes == ()


def test_a_baseline_that_drifts_is_measured_again(scripted: Script) -> None:
    session = scripted([4.0, 2.0, 4.0, 5.0, 4.0, 2.0, 4.0, 2.0, 4.0, 4.0, 4.0, 2.0])
    assert not session.noisy
    assert session.speedup
    assert session.speedup.value == pytest.approx(2.0)
    assert any("measured twice" in note for note in session.notes)


def test_a_baseline_that_drifts_twice_is_noisy_and_the_calmer_sitting_counts(
    scripted: Script,
) -> None:
    session = scripted([4.0, 2.0, 4.0, 4.4, 4.0, 2.0, 4.0, 3.0, 4.0, 8.0, 4.0, 3.0])
    assert session.noisy
    assert session.baseline
    assert session.baseline.latency.noisy
    assert session.candidate.latency.p50_ms == pytest.approx(2.0)
    assert any("noisy" in note and "10%" in note for note in session.notes)


def test_token_ids_are_ordinary_words_within_the_vocabulary(make_artifact: MakeArtifact) -> None:
    artifact = make_artifact("one")
    for vocabulary, expected in (
        (30522, (1000, 2000)),
        (1200, (600, 1200)),
        (40, (20, 40)),
        (1, (0, 1)),
    ):
        (artifact / "config.json").write_text(json.dumps({"vocab_size": vocabulary}))
        assert token_ids(artifact, 8) == expected


def test_conditions_that_the_model_or_the_world_cannot_meet_are_refused(
    make_artifact: MakeArtifact,
) -> None:
    artifact = make_artifact("one")
    with pytest.raises(ArtifactError, match="at most 64 tokens, but the sequence length is 65"):
        measure_interleaved(artifact, None, Conditions(sequence=65), "quick")
    with pytest.raises(ParetoscopeError, match="have batch 0"):
        measure_interleaved(artifact, None, Conditions(batch=0), "quick")
    (artifact / "config.json").write_text("{")
    with pytest.raises(ArtifactError, match="vocab_size"):
        measure_interleaved(artifact, None, Conditions(), "quick")


def test_a_corrupt_model_is_one_sentence(make_artifact: MakeArtifact) -> None:
    artifact = make_artifact("broken")
    (artifact / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match="ONNX Runtime cannot load") as error:
        measure_interleaved(artifact, None, _ONE_THREAD, "quick")
    assert "\n" not in str(error.value)
