"""docs/adding-a-family.md works as written: with its row the family is pruned, sized, exported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paretoscope.errors import ModelError
from paretoscope.families.encoders import ENCODERS
from paretoscope.families.family import EncoderFamily
from paretoscope.graphs.encoder import can_assemble
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import HEAD, matrices
from paretoscope.models.architecture import architecture_of
from paretoscope.pruning import heads
from paretoscope.shape.read import read_shape
from paretoscope.workspace import PROJECT
from tests.families.models import saved, tiny_model

DOCUMENT = PROJECT / "docs" / "adding-a-family.md"


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> EncoderFamily:
    """The row of the document, added to the table."""
    (code,) = re.findall(
        r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    family = eval(code, {"EncoderFamily": EncoderFamily})
    assert isinstance(family, EncoderFamily)
    monkeypatch.setitem(ENCODERS, family.model_type, family)
    return family


def test_the_row_reaches_anatomy_shape_and_graph(row: EncoderFamily, tmp_path: Path) -> None:
    model = tiny_model(row.model_type)
    (first, _) = architecture_of(model).layers()
    assert heads.units(model, first).count(model) == 4
    shape = read_shape(saved(model, tmp_path))
    assert (shape.layers, shape.heads, shape.ffn) == (2, 4, 64)
    assert can_assemble(model.config)
    graph, difference = export(model)
    assert difference < 1e-5
    assert {matrix.name for matrix in matrices(graph)} >= {"layer.1.ffn.in", f"{HEAD}1"}


def test_without_the_row_the_family_is_traced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ENCODERS, "ernie", raising=False)
    model = tiny_model("ernie")
    assert not can_assemble(model.config)
    with pytest.raises(ModelError, match="ernie"):
        architecture_of(model).layers()
    with pytest.raises(ModelError, match="ernie"):
        read_shape(saved(model, tmp_path))


def test_the_document_is_short() -> None:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= 25
