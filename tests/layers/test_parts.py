"""The part of a node of the graph, and the order of parts."""

from __future__ import annotations

import pytest

from paretoscope.layers.parts import part, part_of_node, parts


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("embedding.sum", "embedding"),
        ("positions", "embedding"),
        ("mask", "other"),
        ("layer.10.attended", "layer.10.attention"),
        ("layer.0.output.product", "layer.0.output"),
        ("layer.0.output.sum", "layer.0.norms"),
        ("layer.0.ffn.in.activated", "layer.0.ffn.in"),
        ("layer.0.ffn.out.normed", "layer.0.norms"),
        ("first.token", "head"),
        ("logits", "head"),
        ("/encoder/MatMul_3", "other"),
    ],
)
def test_a_node_belongs_to_the_part_of_its_name(node: str, expected: str) -> None:
    assert part_of_node(node) == expected


def test_parts_have_labels_and_layers() -> None:
    found = parts(2)
    assert [each.label for each in found[:2]] == ["Embedding", "Layer 0 · Query, key, value"]
    assert found[-1].name == "other"
    assert all(part(each.name) == each for each in found)
    assert [each.kind for each in found if each.is_matrix and each.layer == 1] == [
        "qkv",
        "output",
        "ffn.in",
        "ffn.out",
    ]
