"""Forecasts: exact bytes, and which measurements the estimates come from."""

from __future__ import annotations

import json

import pytest

from paretoscope import catalog
from paretoscope.api import estimate
from paretoscope.api.estimate import Forecast, forecast
from paretoscope.cli.estimating import in_words
from paretoscope.cli.parser import main
from paretoscope.machine import fingerprint
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.store.store import Store
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.contract.golden_files import GOLDEN
from tests.documents import MACHINE, document
from tests.tiny.factory import make_tiny

INT8 = Recipe(stages=(Quantize(),))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny("bert", tmp_path_factory.mktemp("models") / "bert"))


@pytest.fixture
def wanted(model: str) -> TrialRequest:
    return catalog.request(model, INT8, task=str(GOLDEN / "own.csv"))


def _trials(wanted: TrialRequest, **changes: object) -> list[TrialDocument]:
    """A baseline, the recipe and six others, measured as `wanted` would be."""
    recipes = [(), (Quantize(),), *((PruneWeights(sparsity=0.1 * n),) for n in range(1, 7))]
    return [
        document(
            *stages, model=wanted.model, task=wanted.task, conditions=wanted.conditions
        ).model_copy(update=changes)
        for stages in recipes
    ]


def _store(workspace: Workspace, trials: list[TrialDocument]) -> None:
    store = Store.open(workspace)
    for trial in trials:
        store.queue(TrialRequest(model=trial.model, task=trial.task, recipe=trial.recipe))
        [row] = store.claim()
        store.finish(
            row.trial_id, row.attempts, trial.model_copy(update={"trial_id": row.trial_id})
        )
    store.close()


def test_without_any_trial_only_the_size_is_known(
    wanted: TrialRequest, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "shipped_study", list)
    found = forecast(wanted, workspace)
    assert found.size.exact
    assert found.size.total_bytes < found.baseline_bytes
    assert (found.numbers.quality, found.numbers.speedup, found.seconds) == (None, None, None)
    assert found.source == "workspace"
    assert "Only the size is known" in in_words(found)
    content = json.loads(json.dumps(found.to_json()))
    assert content["trial_id"] == wanted.trial_id
    assert content["quality"] is None
    assert content["reason"]


def test_the_study_is_used_for_another_machine_and_says_so(
    wanted: TrialRequest, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        estimate, "shipped_study", lambda: _trials(wanted)[:1] + _trials(wanted)[2:]
    )
    found = forecast(
        wanted.model_copy(update={"recipe": Recipe(stages=(PruneWeights(sparsity=0.35),))}),
        workspace,
    )
    assert (found.source, found.machine) == ("shipped study", MACHINE)
    assert found.numbers.measured is None
    assert found.numbers.speedup
    assert 0.8 < found.to_json()["interval_level"] <= 0.9
    assert found.numbers.speedup.low < 2.0 < found.numbers.speedup.high
    words = in_words(found)
    assert "another machine (Test CPU, 2 cores, VNNI)" in words
    assert "not confirmed on this machine" in words


def test_a_trial_of_this_machine_is_the_measurement(
    wanted: TrialRequest, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "shipped_study", lambda: _trials(wanted))
    _store(workspace, _trials(wanted, machine=fingerprint()))
    found: Forecast = forecast(wanted, workspace)
    assert (found.source, found.machine) == ("workspace", fingerprint())
    assert found.numbers.measured
    assert found.numbers.speedup
    assert found.numbers.speedup.value == 2.0
    assert "not confirmed" not in in_words(found)


def test_the_command_prints_the_same_and_queues_nothing(
    model: str, wanted: TrialRequest, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    task = str(GOLDEN / "own.csv")
    assert main(["estimate", model, "--task", task, "--recipe", "int8", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == forecast(wanted, workspace).to_json()
    store = Store.open(workspace)
    assert store.trials() == []
    store.close()
    assert main(["estimate", model, "--task", task, "--recipe", "nothing"]) == 2
