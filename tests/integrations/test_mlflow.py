"""MLflow with a database in a file: each measurement is one run with all of its numbers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from paretoscope.errors import ParetoscopeError
from paretoscope.integrations.mlflow_runs import ARTIFACT, Tracker
from paretoscope.integrations.run_fields import MEASURED, TRIAL, metrics, params, tags
from paretoscope.recipes.stages import Distill, Quantize
from tests.documents import MACHINE, decoder_document, document

STUDENT = document(Distill(layers=3), Quantize(), quality=0.948, speedup=3.9, size=17_200_000)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database, whose tables take seconds to make."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'runs.db'}"


@pytest.fixture
def artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of an artefact; files of runs go below the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "artefact"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"weights")
    (folder / "README.md").write_text("# card")
    return folder


def test_a_run_has_recipe_metrics_conditions_and_artefact(uri: str, artifact: Path) -> None:
    logged = Tracker(uri, "one").log(STUDENT, artifact)
    assert (logged.new, logged.files, logged.trial_id) == (True, 2, STUDENT.trial_id)
    run = MlflowClient(tracking_uri=uri).get_run(logged.run_id)
    assert run.info.status == "FINISHED"
    assert STUDENT.measured_at
    assert run.info.start_time == STUDENT.measured_at.timestamp() * 1000
    assert run.data.params["stage_1.kind"] == "distill"
    assert run.data.params["stage_2.scheme"] == "int8-dynamic"
    assert run.data.metrics["quality"] == 0.948
    assert run.data.metrics["quality_low"] == pytest.approx(0.933)
    assert run.data.metrics["baseline.latency_p50_ms"] == 8.0
    assert run.data.tags[TRIAL] == STUDENT.trial_id
    assert run.data.tags["paretoscope.machine_id"] == MACHINE.id
    assert run.data.tags["paretoscope.conditions"] == "batch 1, 32 tokens, 2 threads"
    files = MlflowClient(tracking_uri=uri).list_artifacts(logged.run_id, ARTIFACT)
    assert {Path(file.path).name for file in files} == {"model.onnx", "README.md"}


def test_a_measurement_is_logged_once_and_a_new_one_again(uri: str, artifact: Path) -> None:
    tracker = Tracker(uri, "twice")
    first = tracker.log(STUDENT, artifact)
    again = Tracker(uri, "twice").log(STUDENT, None)
    assert (again.run_id, again.new, again.files) == (first.run_id, False, 2)
    later = document(Distill(layers=3), Quantize(), quality=0.948, age=-1)
    assert later.trial_id == STUDENT.trial_id
    assert tracker.log(later, None).run_id != first.run_id
    assert Tracker(uri, "elsewhere").log(STUDENT, None).new


def test_a_run_that_fails_half_way_is_removed(
    uri: str, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("disk full. Free some.")

    monkeypatch.setattr(MlflowClient, "log_artifacts", fails)
    tracker = Tracker(uri, "broken")
    with pytest.raises(ParetoscopeError, match="disk full; check --tracking-uri"):
        tracker.log(STUDENT, artifact)
    monkeypatch.undo()
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("broken")
    assert experiment
    assert client.search_runs([experiment.experiment_id]) == []
    assert Tracker(uri, "broken").log(STUDENT, None).new


def test_a_deleted_experiment_and_a_wrong_address_are_one_sentence(uri: str) -> None:
    client = MlflowClient(tracking_uri=uri)
    client.delete_experiment(client.create_experiment("gone"))
    with pytest.raises(ParetoscopeError, match='"gone" is deleted'):
        Tracker(uri, "gone")
    with pytest.raises(
        ParetoscopeError, match=r'^MLflow at "nowhere://x" cannot be used: [^.]+\.$'
    ):
        Tracker("nowhere://x")


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ParetoscopeError, match=r"pip install 'paretoscope\[mlflow\]'"):
        Tracker("sqlite:///x.db")


def test_the_fields_of_a_language_model_and_of_a_baseline() -> None:
    found = metrics(decoder_document(Quantize(), perplexity=21.0, change=(0.02, 0.08)))
    assert found["perplexity"] == 21.0
    assert found["baseline.perplexity"] == 20.0
    assert {"tpot_ms", "ttft_ms", "perplexity_change_low", "paired.lost"} <= set(found)
    baseline = document()
    assert not [key for key in metrics(baseline) if key.startswith(("baseline.", "paired."))]
    assert not [key for key in params(baseline) if key.startswith("stage_")]


def test_paths_and_what_is_unknown_are_left_out() -> None:
    own = document(Quantize(), model="/home/me/models/mine", task="/home/me/data.csv")
    bare = own.model_copy(update={"machine": None, "measured_at": None, "latency": None})
    fields = params(own) | tags(own) | tags(bare)
    assert not [value for value in fields.values() if "/home" in value]
    assert params(own)["model"] == "mine"
    assert tags(bare)[MEASURED] == ""
    assert tags(bare)["paretoscope.conditions"] == "latency not measured"
