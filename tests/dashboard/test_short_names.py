"""Headings, legends and tables show short names; the whole recipe is elsewhere."""

from __future__ import annotations

import json
import re
from html import escape

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.explore.table_columns import MODEL
from paretoscope.recipes.recipe import NAME_LENGTH
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.table import Row, rows
from paretoscope.trials import study
from paretoscope.workspace import SHIPPED
from tests.dashboard.conftest import Open

GLYPHS = "".join(style.glyph for style in STYLES.values())
CHAINS = 3


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """The rows of the real demo study."""
    (path,) = (SHIPPED / "demo").glob("*.json.gz")
    monkeypatch.setattr(study, "STUDY", path)
    documents = [each for each in study.shipped_study() if each.model == "minilm-trec"]
    return rows(documents)


def without_glyph(text: str) -> str:
    return re.sub(rf"^[{GLYPHS}] ", "", text)


def labels(app: AppTest) -> list[str]:
    """Names that figures show: traces and bold labels of points."""
    found: list[str] = []
    for element in app.get("plotly_chart"):
        figure = json.loads(element.proto.spec)
        found += [trace["name"] for trace in figure["data"] if trace.get("name")]
        notes = figure["layout"].get("annotations", [])
        found += [name for each in notes for name in re.findall("<b>(.*)</b>", each["text"])]
    return [name.removesuffix(" (knee)") for name in found]


def names(app: AppTest) -> list[str]:
    """Bold texts and headings that name a model."""
    return [name for each in app.markdown for name in re.findall(r"\*\*(.+?)\*\*", each.value)]


def test_explore_shows_short_names(open_page: Open, shipped: list[Row]) -> None:
    chains = [row.id for row in shipped if row.family == "chain"][:CHAINS]
    app = open_page("explore", pick=chains)
    table = app.dataframe[0].value[MODEL]
    assert len(table) == len(shipped)
    texts = [*table, *labels(app), *names(app)]
    assert max(len(without_glyph(text)) for text in texts) <= NAME_LENGTH
    shown = {row.short_name for row in shipped}
    assert {without_glyph(text) for text in table} == shown, "a name for each model"


def test_compare_shows_short_names_and_each_recipe_once(
    open_page: Open, shipped: list[Row]
) -> None:
    chains = [row for row in shipped if row.family == "chain"][:CHAINS]
    app = open_page("compare", pick=[row.id for row in chains])
    texts = [*app.table[0].value.columns, *labels(app), *names(app)]
    assert max(len(without_glyph(text)) for text in texts) <= NAME_LENGTH
    bodies = "\n".join(each.proto.body for each in app.get("html"))
    for row in chains:
        assert bodies.count(f'title="{escape(row.name)}"') == 1
