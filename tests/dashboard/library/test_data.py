"""How data is read: the columns and formats that are picked, and what is reported of it."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.library import brought, using
from tests.dashboard.conftest import Open, words
from tests.dashboard.library.conftest import levels_csv


def opened(open_page: Open, model: Path, path: Path) -> AppTest:
    app = open_page("library")
    app.session_state[brought.MODEL] = str(model)
    app.session_state[brought.TASK] = str(path)
    app.run()
    assert not app.exception
    return app


def field(app: AppTest, label: str) -> str:
    """The key of the picker with this label."""
    (found,) = [each.key for each in app.selectbox if each.label == label]
    assert found
    return found


def options(app: AppTest) -> object:
    assert not app.button(key=using.BUTTON).disabled, words(app)
    app.button(key=using.BUTTON).click().run()
    assert not app.exception
    return app.session_state["scope"].options.model_dump(exclude_defaults=True)


def test_columns_are_guessed_and_shown_with_their_values(
    open_page: Open, named: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(levels_csv("satz", "stufe", ";"))
    app = opened(open_page, named, path)
    label = app.selectbox(key=field(app, "Label column"))
    assert (label.value, label.options) == ("stufe", ["stufe · 3 values", "film · 60 values"])
    assert app.selectbox(key=field(app, "Delimiter")).value == ";"
    assert options(app) == {"text_column": "satz", "label_column": "stufe"}


def test_splits_groups_and_length_are_picked(open_page: Open, named: Path, levels: Path) -> None:
    app = opened(open_page, named, levels)
    assert "120 different texts" in words(app)
    app.selectbox(key=field(app, "Groups")).set_value("film").run()
    app.selectbox(key=field(app, "Maximum length")).set_value(32).run()
    assert options(app) == {"group_column": "film", "max_length": 32}


def test_another_delimiter_is_read_again(open_page: Open, named: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    content = levels_csv(delimiter="|").replace("text|label|film", "text|label|film,year,by")
    path.write_text(content)
    app = opened(open_page, named, path)
    assert app.selectbox(key=field(app, "Delimiter")).value == ","
    assert "cannot be read" in words(app)
    app.selectbox(key=field(app, "Delimiter")).set_value("|").run()
    assert options(app) == {"delimiter": "|"}


def test_rows_without_a_label_are_left_out_unless_they_must_be_filled(
    open_page: Open, named: Path, levels: Path
) -> None:
    levels.write_text(levels.read_text() + "\nno label,,77")
    app = opened(open_page, named, levels)
    (drop,) = [each for each in app.toggle if each.key and each.key.endswith("_drop")]
    assert "1 row without a label was dropped" in words(app)
    drop.set_value(False).run()
    assert any("label is missing" in error.value for error in app.error)
    assert app.button(key=using.BUTTON).disabled


def test_a_file_that_is_gone_is_a_card(open_page: Open, named: Path, tmp_path: Path) -> None:
    app = opened(open_page, named, tmp_path / "gone.csv")
    assert "cannot be read" in app.error[0].value
    assert app.button(key=using.BUTTON).disabled


def test_unlabelled_texts_are_kept_with_the_data(
    open_page: Open, named: Path, levels: Path
) -> None:
    app = opened(open_page, named, levels)
    (uploader,) = [each for each in app.file_uploader if str(each.key).startswith("bring_more")]
    uploader.upload("more.txt", b"a new text\nand another\n", "text/plain").run()
    assert "2 unlabelled texts" in words(app)
    app.button(key=using.BUTTON).click().run()
    kept = app.session_state["scope"].options.unlabelled
    assert Path(kept).name == "more.txt"
    app.run()
    assert app.session_state["scope"].options.unlabelled == kept, "also from the address"


def test_a_built_in_task_is_reported_for_a_built_in_model(open_page: Open) -> None:
    app = open_page("library")
    app.selectbox(key="bring_data_known").set_value("trec").run()
    assert not app.exception
    assert "train 3,508" in words(app)
    assert options(app) == {}
