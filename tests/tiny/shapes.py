"""The shape of a small encoder that has no files, and recipes made of stages."""

from __future__ import annotations

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage
from paretoscope.shape.encoder import EncoderShape


def bert_shape() -> EncoderShape:
    """Layers and widths of MiniLM under the name of the documents in `tests/documents.py`."""
    return EncoderShape(
        name="minilm-trec",
        family="bert",
        layers=6,
        hidden=384,
        heads=12,
        head_size=32,
        ffn=1536,
        vocabulary=30522,
        embedding=384,
        positions=512,
        classes=6,
        tokenizer_bytes=466_000,
        tensors={"everything": (22_700_000,)},
    )


def recipe(*stages: AnyStage | None) -> Recipe:
    """A recipe of the stages that are not None."""
    return Recipe(stages=tuple(stage for stage in stages if stage))
