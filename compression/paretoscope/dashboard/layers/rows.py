"""Which rows the map has: every part, or sums over layers or over kinds of parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

from paretoscope.dashboard.layers.content import Content
from paretoscope.dashboard.shell import url_widgets
from paretoscope.layers.parts import KINDS, Part, part, parts

By = Literal["part", "kind", "layer"]
WORDS: dict[By, str] = {
    "part": "Layers and projections",
    "kind": "Projections, all layers",
    "layer": "Layers, all projections",
}
MANY_LAYERS = 12
"""Above this number projections are shown first: a row a part would be several screens."""
TIED = "Embedding and head (tied)"


def picker(content: Content) -> By:
    """The choice of rows, in the address."""
    many = content.shape.layers > MANY_LAYERS
    chosen = url_widgets.option(
        "Rows",
        list(WORDS),
        key="ly_rows",
        default="kind" if many else "part",
        format_func=WORDS.get,
        width=200,
    )
    return cast(By, chosen)


def rows(content: Content, by: By) -> dict[str, str]:
    """Key and label of every row that has bytes or time, top down."""
    found: dict[str, str] = {}
    for each in parts(content.shape.layers):
        if by == "part":
            found[each.name] = _label(each, content)
        else:
            key = group(each, by)
            found[key] = _group_label(key, content)
    measured = content.profile.by_part if content.profile else {}
    known = summed(dict.fromkeys((*_with_bytes(content), *measured), 1.0), by)
    return {key: label for key, label in found.items() if key in known}


def _with_bytes(content: Content) -> list[str]:
    return [name for name, size in content.before.parts.items() if size]


def group(each: Part, by: By) -> str:
    """The row of a part."""
    if each.layer is None or by == "part":
        return each.name
    return each.kind if by == "kind" else f"layer.{each.layer}"


def summed(values: Mapping[str, float], by: By) -> dict[str, float]:
    """Values by part as sums by row."""
    found: dict[str, float] = {}
    for name, value in values.items():
        key = group(part(name), by)
        found[key] = found.get(key, 0.0) + value
    return found


def _label(each: Part, content: Content) -> str:
    return TIED if each.name == "head" and is_tied(content) else each.label


def _group_label(key: str, content: Content) -> str:
    if key in KINDS:
        return KINDS[key]
    if key.startswith("layer."):
        return f"Layer {key.removeprefix('layer.')}"
    return _label(part(key), content)


def is_tied(content: Content) -> bool:
    """Whether the word embedding is also the head."""
    return content.before.parts["embedding"] == 0


def choosable(content: Content) -> Sequence[Part]:
    """The parts with a width that a recipe can choose."""
    return [
        each
        for each in parts(content.shape.layers)
        if each.is_matrix and content.before.parts.get(each.name)
    ]
