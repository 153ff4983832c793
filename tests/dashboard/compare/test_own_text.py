"""A person's own texts on the artefacts of the compared models."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from paretoscope.dashboard.compare import own_text, text_source
from paretoscope.dashboard.compare.text_answers import RUN, in_words
from paretoscope.dashboard.shell import data
from paretoscope.errors import TaskError
from paretoscope.report.tables.table import rows
from paretoscope.store.store import Store
from tests.dashboard.conftest import Open, charts, words

WAIT_S = 60


def bars(app: Any) -> int:
    """The number of cards with probabilities."""
    found: list[Any] = charts(app)
    return sum(chart["data"][0].get("orientation") == "h" for chart in found)


def answered(app: Any) -> Any:
    """The page after the process has ended."""
    assert app.session_state[RUN][0].wait(WAIT_S)
    return app.run()


def test_both_models_classify_an_entered_text(
    open_page: Open, measured: dict[str, str | list[str]], store: Store
) -> None:
    app = open_page("compare", **measured)
    answered(app.text_input(key="asked").set_value("who is `zz` good").run())
    assert not app.exception
    text = words(app)
    assert text.count(" ms") > 2
    assert "`[CLS]` `who` `is`" in text
    assert bars(app) == 2
    assert "zz" not in json.dumps(dict(app.query_params))
    assert not any(
        b"who is `zz` good" in path.read_bytes() for path in store.root.rglob("*") if path.is_file()
    )


def test_a_pasted_list_is_answered_with_disagreements_first(
    open_page: Open, measured: dict[str, str | list[str]]
) -> None:
    app = open_page("compare", **measured)
    app.session_state[text_source.SOURCE] = text_source.MANY
    app.run()
    texts = [f"who is good {word}" for word in "film plot city bad what where".split()]
    app.text_area(key=text_source.LIST).set_value("\n".join(["", *texts])).run()
    answered(app.button(key=text_source.GO).click().run())
    table: Any = app.dataframe[-1].value
    assert sorted(table["Text"]) == sorted(texts)
    different = table["Different labels"].tolist()
    assert different == sorted(different, reverse=True)
    count = sum(each > 1 for each in different)
    assert f"**{in_words(count, len(texts), 2)}**" in words(app)


def test_while_a_latency_is_measured_nothing_is_started(
    open_page: Open, measured: dict[str, str | list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "measuring", lambda: True)
    app = open_page("compare", **measured)
    app.text_input(key="asked").set_value("who is good").run()
    assert RUN not in app.session_state
    assert bars(app) == 0


def test_an_artefact_that_was_deleted_leaves_the_others(
    open_page: Open, measured: dict[str, str | list[str]], store: Store
) -> None:
    shutil.rmtree(store.root / "artifacts" / measured["pick"][1])
    app = open_page("compare", **measured)
    (gone,) = [row for row in rows(store.documents()) if row.id == measured["pick"][1]]
    assert own_text.unavailable([gone.short_name], demo=False) in words(app)
    answered(app.text_input(key="asked").set_value("who is good").run())
    assert bars(app) == 1


def test_a_damaged_artefact_is_a_card(
    open_page: Open, measured: dict[str, str | list[str]], store: Store
) -> None:
    (store.root / "artifacts" / measured["pick"][1] / "model.onnx").write_bytes(b"nonsense")
    app = open_page("compare", **measured)
    answered(app.text_input(key="asked").set_value("who is good").run())
    assert "cannot be opened" in app.error[0].value
    assert bars(app) == 1


def test_files_are_read_by_column() -> None:
    csv = 'id;body\n1;a question\n2;"another; one"\n'.encode("utf-8-sig")
    assert text_source.read("x.csv", csv) == (
        ["id", "body"],
        [["1", "a question"], ["2", "another; one"]],
    )
    assert text_source.read("x.txt", b"one\ntwo\n") == ([], [["one"], ["two"]])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.csv", b"a,b\n1\n", "Line 2"),
        ("x.txt", b"caf\xe9", "byte 3"),
        ("x.txt", b"x" * 1_000_001, "at most 1 MB"),
    ],
)
def test_files_that_cannot_be_read_are_refused(name: str, content: bytes, says: str) -> None:
    with pytest.raises(TaskError, match=says):
        text_source.read(name, content)


def test_too_many_and_too_long_texts_are_refused() -> None:
    with pytest.raises(TaskError, match="1,001 texts"):
        text_source.checked(["a"] * 1001)
    with pytest.raises(TaskError, match="4,001 characters"):
        text_source.checked(["a" * 4001])
