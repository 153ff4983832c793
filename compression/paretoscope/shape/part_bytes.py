"""Bytes of every part of a model before and after a recipe: embedding, matrices, norms, head.

They sum to the `weights_bytes` of `shape/bytes.py`: what belongs to no other part, such as
positions and constants of the graph, is the part `other`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from paretoscope.recipes.stages import Quantize
from paretoscope.recipes.stages.parts import PARTS_OF_LAYER
from paretoscope.shape.apply_recipe import AppliedRecipe
from paretoscope.shape.quantized_bytes import embedding_bytes, one_matrix_bytes
from paretoscope.shape.shape import Matrix, ModelShape

EMBEDDING, HEAD, OTHER, NORMS = "embedding", "head", "other", "norms"
"""Parts besides the matrices of the layers; `layer.N.norms` includes the biases of a layer."""


@dataclass(frozen=True)
class PartBytes:
    """Bytes by part, in the order of the graph, and whether they are exact."""

    parts: dict[str, int]
    exact: bool
    note: str = ""

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    def share(self, part: str) -> float:
        """The share of a part in all bytes; 0 for a part that the model does not have."""
        return self.parts.get(part, 0) / self.total


def part_names(layers: int) -> list[str]:
    """Every part of a model, in the order of the graph.

    >>> part_names(1)[1:4]
    ['layer.0.qkv', 'layer.0.output', 'layer.0.ffn.in']
    """
    kinds = (*PARTS_OF_LAYER, NORMS)
    inner = [f"layer.{index}.{kind}" for index in range(layers) for kind in kinds]
    return [EMBEDDING, *inner, HEAD, OTHER]


def part_bytes(applied: AppliedRecipe) -> PartBytes:
    """Bytes by part after a recipe; raises `RecipeError` when it does not fit the model.

    Widths that are chosen when the recipe runs are not known: what they take together is spread in
    proportion to the weights. Layers are numbered as in the compressed model.
    """
    stage = next((each for each in applied.recipe.stages if isinstance(each, Quantize)), None)
    size, shape = applied.size, applied.after
    counted, weights = _counted(shape, stage)
    counted[OTHER] = shape.unquantized_bytes() - shape.layers * shape.layer_float_bytes()
    spread = size.weights_bytes - sum(counted.values())
    for part, count in weights.items():
        counted[part] += round(spread * count / sum(weights.values()))
    counted[OTHER] += size.weights_bytes - sum(counted.values())
    found = {part: counted[part] for part in part_names(shape.layers)}
    return PartBytes(found, size.exact, size.note)


def _counted(
    shape: ModelShape, stage: Quantize | None
) -> tuple[defaultdict[str, int], dict[str, int]]:
    """Known bytes by part, and the weights of the parts with a width that is chosen later."""
    counted: defaultdict[str, int] = defaultdict(int)
    weights: dict[str, int] = {}
    for matrix in shape.matrices():
        part, known = part_of_matrix(matrix), one_matrix_bytes(matrix, stage)
        if known is None:
            weights[part] = weights.get(part, 0) + matrix.size
        counted[part] += known or 0
    if stage is None or stage.max_mb is None:
        counted[EMBEDDING] += embedding_bytes(shape, stage)
    elif shape.embedding_is_separate(stage):
        weights[EMBEDDING] = shape.vocabulary * shape.embedding
    for index in range(shape.layers):
        counted[f"layer.{index}.{NORMS}"] = shape.layer_float_bytes()
    return counted, weights


def part_of_matrix(matrix: Matrix) -> str:
    """The part of a matrix: its name in a layer, else embedding or head."""
    if matrix.name.startswith("layer."):
        return matrix.name
    return HEAD if matrix.in_head else EMBEDDING
