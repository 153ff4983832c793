"""Every family in every lookup: anatomy, shape, graph; and no family name anywhere else."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from paretoscope.families.decoders import DECODERS, gguf_family
from paretoscope.families.encoders import ENCODERS
from paretoscope.families.family import DecoderFamily
from paretoscope.graphs.encoder import can_assemble
from paretoscope.graphs.export import TOLERANCE, export
from paretoscope.graphs.graph import payload_bytes
from paretoscope.models.architecture import architecture_of
from paretoscope.shape.read import read_shape
from paretoscope.workspace import PROJECT
from tests.families.models import saved, tiny_model

FLOAT = 4
FAMILIES = (*ENCODERS, *DECODERS)


@pytest.mark.parametrize("family", FAMILIES)
def test_names_of_parts_are_modules(family: str) -> None:
    model = tiny_model(family)
    modules = dict(model.named_modules())
    row = ENCODERS.get(family) or DECODERS[family]
    for layer in architecture_of(model).layers():
        norms = (layer.attention_norm, layer.ffn_norm)
        assert {*layer.linears, layer.entrance, *filter(None, norms)} <= set(modules)
    head = (row.head,) if isinstance(row, DecoderFamily) else row.head
    assert {row.layers, row.embeddings, *head} <= set(modules)


@pytest.mark.parametrize("family", FAMILIES)
def test_shape_and_graph_agree(family: str, tmp_path: Path) -> None:
    """The shape that is read from headers gives the bytes of the graph, which equals torch."""
    model = tiny_model(family)
    graph, difference = export(model)
    assert difference < 1e-5 < TOLERANCE
    shape = read_shape(saved(model, tmp_path))
    separate = shape.embedding_is_separate(None)
    numbers = sum(matrix.size for matrix in shape.matrices())
    numbers += shape.vocabulary * shape.embedding if separate else 0
    assert FLOAT * numbers + shape.unquantized_bytes() == payload_bytes(graph)


@pytest.mark.parametrize("family", ENCODERS)
def test_encoders_are_assembled_not_traced(family: str) -> None:
    assert can_assemble(tiny_model(family).config)


def test_names_are_unique() -> None:
    gguf = Counter(row.gguf for row in DECODERS.values() if row.gguf)
    assert set(gguf.values()) == {1}
    assert not ENCODERS.keys() & DECODERS.keys()
    assert all(name == row.model_type for name, row in (*ENCODERS.items(), *DECODERS.items()))


@pytest.mark.parametrize("row", DECODERS.values(), ids=DECODERS)
def test_decoders_name_a_genai_type_and_find_themselves(row: DecoderFamily) -> None:
    assert row.genai in DECODERS
    assert row.gguf is None or gguf_family(row.gguf) is row


def test_family_names_appear_only_in_families() -> None:
    sources = [*(PROJECT / "compression").rglob("*.py"), *(PROJECT / "pages").glob("*.py")]
    found = {
        f"{path.relative_to(PROJECT)}:{node.lineno}"
        for path in sources
        if path.parent.name != "families"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in FAMILIES
    }
    assert found == set()
