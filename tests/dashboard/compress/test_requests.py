"""The request of Compress: the model, the data and the options of the scope."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretoscope import catalog
from paretoscope.dashboard.compress import actions
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import Store
from paretoscope.trials.request import TrialRequest
from tests.dashboard.conftest import Open, own, words
from tests.tiny.factory import make_tiny

LABELS = ("low", "medium", "high")


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of a model starts a process for seconds; it is tested in tests/sources."""
    monkeypatch.setattr(catalog, "check", lambda *_: None)


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A tiny model without names of outputs."""
    names = [f"LABEL_{index}" for index in range(3)]
    return str(make_tiny("bert", tmp_path / "model", labels=names))


@pytest.fixture
def task(tmp_path: Path) -> str:
    path = tmp_path / "levels.csv"
    lines = [f"what a film {n},{LABELS[n % 3]},{n // 2}" for n in range(120)]
    path.write_text("\n".join(["text,label,film", *lines, "no label,,1000"]))
    return str(path)


def queued(open_page: Open, store: Store, model: str, task: str) -> TrialRequest:
    app = open_page("compress", model=model, task=task)
    app.button(key=actions.RUN).click().run()
    assert not app.exception
    return store.trials()[-1].request


def test_the_options_of_the_library_reach_the_request(
    open_page: Open, store: Store, model: str, task: str
) -> None:
    own("model", model)
    own("data", task, drop_missing=True, group_column="film", max_length=16, unlabelled=task)
    request = queued(open_page, store, model, task)
    assert (request.drop_missing, request.group_column, request.max_length) == (True, "film", 16)
    assert request.unlabelled is None, "the recipe does not train on unlabelled texts"
    assert queued(open_page, store, model, task) == request, "from another session"


def test_a_guessed_order_is_a_warning_before_the_run(
    open_page: Open, store: Store, model: str, task: str
) -> None:
    store.queue(TrialRequest(model=model, task=task, recipe=Recipe(), drop_missing=True))
    linked = open_page("compress", model=model, task=task)
    (warning,) = [each.value for each in linked.warning if "is a guess" in each.value]
    assert "0 = high, 1 = low, 2 = medium" in warning
    assert "--" not in warning
    assert "1 row without a label was dropped" in words(linked)
    assert queued(open_page, store, model, task).labels is None


def test_the_order_of_labels_is_not_used_for_another_model(
    open_page: Open, store: Store, model: str, task: str, tmp_path: Path
) -> None:
    stored = TrialRequest(model=model, task=task, labels=LABELS, max_length=16, drop_missing=True)
    store.queue(stored)
    other = str(make_tiny("bert", tmp_path / "other", labels=("high", "low", "medium")))
    own("model", other)
    own("data", task, drop_missing=True, max_length=16)
    request = queued(open_page, store, other, task)
    assert (request.labels, request.max_length) == (None, 16)
