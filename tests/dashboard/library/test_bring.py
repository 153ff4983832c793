"""Bring a model and data: dropped, by path or from the library; used, and measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope import catalog
from paretoscope.dashboard.library import bring, brought, next_step, using
from paretoscope.dashboard.parts import first_runs
from paretoscope.dashboard.shell import data, permissions
from paretoscope.errors import ModelError
from paretoscope.library import entries
from paretoscope.store.store import Store
from paretoscope.tasks.ref import DataOptions
from tests.dashboard.conftest import Open, own, words
from tests.dashboard.library.conftest import LABELS, levels_csv, zipped


def drop(app: AppTest, model: Path | None = None, data: str | None = None) -> AppTest:
    if model:
        uploader = app.file_uploader(key="bring_model_files")
        uploader.upload(f"{model.name}.zip", zipped(model), "application/zip").run()
    if data is not None:
        uploader = app.file_uploader(key="bring_data_file")
        uploader.upload("my levels.csv", data.encode(), "text/csv").run()
    assert not app.exception
    return app


def use(app: AppTest) -> AppTest:
    assert not app.button(key=using.BUTTON).disabled, words(app)
    app.button(key=using.BUTTON).click().run()
    assert not app.exception
    return app


def test_dropped_files_are_used_and_measured_with_two_clicks(
    open_page: Open, store: Store, named: Path, engine_starts: list[bool]
) -> None:
    app = use(drop(open_page("library"), named, levels_csv()))
    scope = app.session_state["scope"]
    assert Path(scope.model).parent.parent == store.root / "uploads"
    assert Path(scope.task).name == "my-levels.csv"
    assert scope.options == DataOptions()
    added = {entry.kind: entry for entry in entries(data.workspace())}
    assert added["model"].name == scope.model
    assert (added["data"].name, added["data"].texts) == (scope.task, 120)
    assert added["data"].labels == LABELS
    assert next_step.selected("named", "my-levels.csv") in words(app).replace(scope.model, "named")
    app.button(key=first_runs.KEY).click().run()
    assert not app.exception
    requests = [row.request for row in store.trials()]
    assert len(requests) == len(first_runs.FIRST_RECIPES)
    assert {(each.model, each.task) for each in requests} == {(scope.model, scope.task)}
    assert engine_starts == [True]


def test_the_trials_are_those_of_the_command_line(
    open_page: Open, store: Store, named: Path, levels: Path
) -> None:
    app = open_page("library")
    app.text_input(key="bring_model_path").set_value(str(named))
    app.text_input(key="bring_data_path").set_value(str(levels)).run()
    assert brought.MODEL not in app.session_state, "a path is read only on a click"
    app.button(key="bring_model_read").click().run()
    app.button(key="bring_data_read").click().run()
    app = use(app)
    app.button(key=first_runs.KEY).click().run()
    queued = store.trials()[0].request
    by_command = catalog.request(
        str(named), queued.recipe, task=str(levels), conditions=queued.conditions
    )
    assert queued.trial_id == by_command.trial_id


def test_nothing_can_be_used_before_something_was_brought(open_page: Open, named: Path) -> None:
    app = open_page("library")
    assert app.button(key=using.BUTTON).disabled
    assert bring.NOTHING in words(app)
    drop(app, named)
    assert app.button(key=using.BUTTON).disabled
    assert bring.NO_DATA in words(app)
    assert "3 labels: low, medium, high" in words(app)


def test_a_model_with_problems_is_refused_with_all_of_them(
    open_page: Open, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(model: str, *_: object) -> None:
        raise ModelError(f'"{model}" holds NaN. It is multi-label.')

    monkeypatch.setattr(catalog, "check", refuse)
    app = drop(open_page("library"), named, levels_csv())
    (error,) = [each.value for each in app.error]
    assert "holds NaN. It is multi-label." in error
    assert "uploads" not in error, "the folder of uploads is not the reader's"
    assert app.button(key=using.BUTTON).disabled
    assert entries(data.workspace()) == ()


def test_a_refused_zip_is_a_card(open_page: Open) -> None:
    app = open_page("library")
    app.file_uploader(key="bring_model_files").upload("m.zip", b"no zip", "application/zip").run()
    assert not app.exception
    assert "cannot be unpacked" in app.error[0].value
    assert bring.NOTHING in words(app)


def test_a_path_that_is_no_model_is_a_card(open_page: Open, tmp_path: Path) -> None:
    app = open_page("library")
    app.text_input(key="bring_model_path").set_value(str(tmp_path / "nowhere")).run()
    app.button(key="bring_model_read").click().run()
    assert "There is no folder" in app.error[0].value
    assert app.session_state["scope"].model == "minilm-trec"


def test_data_of_the_library_is_read_again(open_page: Open, named: Path, levels: Path) -> None:
    own("data", str(levels))
    app = drop(open_page("library"), named)
    app.selectbox(key="bring_data_known").set_value(str(levels)).run()
    assert use(app).session_state["scope"].task == str(levels)


def test_data_that_does_not_fit_the_model_says_why(open_page: Open, named: Path) -> None:
    other = levels_csv().replace("medium", "average")
    app = drop(open_page("library"), named, other)
    assert bring.DATA_PROBLEMS in words(app)
    assert any('"average"' in error.value for error in app.error)
    assert not any("--" in error.value for error in app.error)
    assert app.button(key=using.BUTTON).disabled


def test_a_read_only_page_takes_nothing(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARETOSCOPE_READ_ONLY", "1")
    app = open_page("library")
    for key in ("bring_model_read", "bring_data_read", "bring_hub_look", using.BUTTON):
        assert app.button(key=key).disabled
        assert app.button(key=key).help == permissions.READ_ONLY
    assert app.file_uploader(key="bring_data_file").disabled
    assert app.file_uploader(key="bring_model_files").disabled


def test_the_labels_of_a_model_are_used_in_the_order_that_was_set(
    open_page: Open, store: Store, unnamed: Path
) -> None:
    app = drop(open_page("library"), unnamed, levels_csv())
    fields = [each for each in app.selectbox if each.label[:2] in ("0:", "1:", "2:")]
    assert [field.value for field in fields] == ["high", "low", "medium"], "the guess"
    fields[0].set_value("low").run()
    fields = [each for each in app.selectbox if each.label[:2] in ("0:", "1:", "2:")]
    assert [field.value for field in fields] == ["low", "high", "medium"], "two change places"
    fields[1].set_value("medium").run()
    assert use(app).session_state["scope"].options.labels == LABELS


def test_an_unchanged_guess_stays_a_guess(open_page: Open, unnamed: Path) -> None:
    app = drop(open_page("library"), unnamed, levels_csv())
    assert any("is a guess" in warning.value for warning in app.warning)
    assert use(app).session_state["scope"].options.labels is None


def test_labels_of_other_names_must_be_confirmed(open_page: Open, named: Path) -> None:
    other = levels_csv()
    for index, label in enumerate(LABELS):
        other = other.replace(label, f"level {'abc'[index]}")
    app = drop(open_page("library"), named, other)
    assert app.button(key=using.BUTTON).disabled
    (confirm,) = [each for each in app.toggle if each.key and each.key.endswith("_confirmed")]
    confirm.set_value(True).run()
    options = use(app).session_state["scope"].options
    assert options.labels == ("level a", "level b", "level c")
