"""Options of own data on Compress: fields, the table of labels, and notes before a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope import catalog
from paretoscope.dashboard.compress import actions, label_table
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import Store
from paretoscope.tasks.ref import DataOptions
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


def entered(open_page: Open, model: str, task: str) -> AppTest:
    app = open_page("compress")
    app.session_state["own_open"] = True
    app.text_input(key="own_model").set_value(model)
    app.text_input(key="own_data").set_value(task).run()
    app.toggle(key="own_drop").set_value(True).run()
    return app


def queued(app: AppTest, store: Store) -> TrialRequest:
    app.button(key=actions.RUN).click().run()
    assert not app.exception
    return store.trials()[-1].request


def test_the_labels_of_outputs_without_names_are_chosen_in_a_table(
    open_page: Open, store: Store, model: str, task: str
) -> None:
    app = entered(open_page, model, task)
    fields = [each for each in app.selectbox if each.label.startswith(("0: ", "1: ", "2: "))]
    assert [field.label for field in fields] == ["0: LABEL_0", "1: LABEL_1", "2: LABEL_2"]
    assert [field.value for field in fields] == ["high", "low", "medium"], "the guess"
    assert label_table.ABOUT in words(app)
    for field, label in zip(fields, LABELS, strict=True):
        field.set_value(label)
    app.run()
    app.button(key="own_use").click().run()
    assert not app.error
    assert "is a guess" not in words(app)
    request = queued(app, store)
    assert request.labels == LABELS
    assert request.drop_missing


def test_an_unchanged_guess_stays_a_guess(
    open_page: Open, store: Store, model: str, task: str
) -> None:
    app = entered(open_page, model, task)
    app.button(key="own_use").click().run()
    assert not app.error
    request = queued(app, store)
    assert request.labels is None
    by_command = catalog.request(
        model,
        request.recipe,
        task=task,
        protocol=request.protocol,
        conditions=request.conditions,
        options=DataOptions(drop_missing=True),
    )
    assert request.trial_id == by_command.trial_id


def test_one_label_for_two_outputs_is_an_error(open_page: Open, model: str, task: str) -> None:
    app = entered(open_page, model, task)
    next(each for each in app.selectbox if each.label == "0: LABEL_0").set_value("low").run()
    app.button(key="own_use").click().run()
    assert "set different names" in app.error[0].value
    assert "--" not in app.error[0].value


def test_matching_names_need_no_table(open_page: Open, tmp_path: Path, task: str) -> None:
    named = str(make_tiny("bert", tmp_path / "named", labels=LABELS))
    app = entered(open_page, named, task)
    assert not [each for each in app.selectbox if each.label.startswith("0: ")]
    assert label_table.ABOUT not in words(app)


def test_a_guessed_order_is_a_warning_before_the_run(
    open_page: Open, store: Store, model: str, task: str
) -> None:
    app = entered(open_page, model, task)
    app.session_state["own_open"] = False
    app.run()
    store.queue(TrialRequest(model=model, task=task, recipe=Recipe(), drop_missing=True))
    linked = open_page("compress", model=model, task=task)
    (warning,) = [each.value for each in linked.warning if "is a guess" in each.value]
    assert "0 = high, 1 = low, 2 = medium" in warning
    assert "--" not in warning
    assert "1 row without a label was dropped" in words(linked)
    assert queued(linked, store).labels is None


def test_all_options_reach_the_request_and_are_used_again(
    open_page: Open, store: Store, model: str, task: str
) -> None:
    app = entered(open_page, model, task)
    app.text_input(key="own_group").set_value("film")
    app.number_input(key="own_max_length").set_value(16)
    app.text_input(key="own_label").set_value("label").run()
    app.button(key="own_use").click().run()
    assert not app.error
    first = queued(app, store)
    assert (first.group_column, first.max_length, first.label_column) == ("film", 16, "label")
    store.request_cancel(first.trial_id)
    again = queued(open_page("compress", model=model, task=task), store)
    assert again == first, "from another session"


def test_the_order_of_labels_is_not_used_for_another_model(
    open_page: Open, store: Store, model: str, task: str, tmp_path: Path
) -> None:
    stored = TrialRequest(model=model, task=task, labels=LABELS, max_length=16, drop_missing=True)
    store.queue(stored)
    other = str(make_tiny("bert", tmp_path / "other", labels=("high", "low", "medium")))
    own("model", other)
    own("data", task, drop_missing=True, max_length=16)
    request = queued(open_page("compress", model=other, task=task), store)
    assert (request.labels, request.max_length) == (None, 16)
