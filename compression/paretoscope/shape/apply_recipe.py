"""The shape that is left when the structural stages of a recipe are done."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure
from paretoscope.shape.config import read_config
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.tokenizer_file import Vocabulary, check_room


def after(facts: ModelShape, recipe: Recipe) -> ModelShape:
    """The shape that is left when the structural stages of `recipe` are done; `shapes` stays that
    of the original.

    Raises `RecipeError` when a student is to have layers that are not there, or a vocabulary no
    room for single characters.
    """
    for stage in recipe.stages:
        before = facts
        if isinstance(stage, Distill):
            facts = replace(facts, layers=len(stage.kept(facts.layers)))
            for cut in stage.cuts():
                facts = _pruned(facts, cut)
        elif isinstance(stage, PruneStructure):
            facts = _pruned(facts, stage)
            if stage.allocation == "global" and facts != before:
                facts = replace(facts, uneven=facts.uneven | {stage.target})
        if before.uneven and (
            facts.layers < before.layers
            or any(getattr(facts, width) < getattr(before, width) for width in before.uneven)
        ):
            facts = replace(facts, sums_known=False)
    return facts


def _pruned(facts: ModelShape, stage: PruneStructure) -> ModelShape:
    match stage.target:
        case "layers":
            return replace(facts, layers=stage.kept(facts.layers))
        case "heads":
            return facts.with_head_groups(stage.kept(facts.head_groups))
        case "ffn":
            return replace(facts, ffn=stage.kept(facts.ffn))
        case "hidden":
            kept = stage.kept(facts.hidden)
            return replace(
                facts, hidden=kept, embedding=facts.embedding if facts.projected else kept
            )
        case "vocabulary":
            return _with_fewer_words(facts, stage.kept(facts.vocabulary))


def _with_fewer_words(facts: ModelShape, count: int) -> ModelShape:
    """Rows are exact; the tokenizer's file depends on which entries the data wants, so it gets
    bounds.

    Raises `ModelError` for a tokenizer whose vocabulary cannot be cut; a model without a
    tokenizer.json tells when it is run.
    """
    if count == facts.vocabulary:
        return facts
    path = (facts.folder or Path()) / "tokenizer.json"
    if facts.folder is None or not path.is_file():
        return replace(facts, vocabulary=count, tokenizer_bytes=None)
    stat = path.stat()
    read = (str(path), stat.st_size, stat.st_mtime_ns)
    check_room(count, facts.vocabulary, len(_vocabulary(*read)[1]))
    low, likely, high = _bounds(*read, count)
    return replace(facts, vocabulary=count, tokenizer_bytes=likely, tokenizer_bounds=(low, high))


@lru_cache(maxsize=8)
def _vocabulary(path: str, size: int, changed_ns: int) -> tuple[Vocabulary, frozenset[int]]:
    """A tokenizer.json and the ids that must stay in it. As in `_rewritten_bytes`, two numbers make
    a rewritten file another entry.
    """
    vocabulary = Vocabulary(Path(path).read_text(encoding="utf-8"), where=path)
    return vocabulary, vocabulary.required(read_config(Path(path).parent))


@lru_cache(maxsize=256)
def _bounds(path: str, size: int, changed_ns: int, count: int) -> tuple[int, int, int]:
    """Least, likely and most bytes of the file with `count` entries: asked for several times at
    every move of a slider.
    """
    vocabulary, required = _vocabulary(path, size, changed_ns)
    return vocabulary.file_bytes(count, required)
