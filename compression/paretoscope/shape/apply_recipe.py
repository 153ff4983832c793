"""A recipe applied to the shape of a model: the shape after every stage, and the artefact's bytes.

How much each stage keeps is in `recipes/stages/`, the bytes of a shape in `shape/bytes.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from paretoscope.errors import RecipeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure
from paretoscope.shape.bytes import SizeEstimate, artifact_bytes
from paretoscope.shape.config import read_config
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.tokenizer_file import Vocabulary, check_room

REFERENCE_SIZE = (
    "The size of a reference point depends on the training texts, so it is known after it is"
    " measured."
)
Version = tuple[str, int, int]
"""Path, size in bytes and modification time in nanoseconds of a file that a cached value needs."""


@dataclass(frozen=True)
class AppliedRecipe:
    """A recipe applied to the shape of a model, by `apply_recipe`.

    `steps` are the shapes before the first stage and after each stage.
    """

    recipe: Recipe
    steps: tuple[ModelShape, ...]

    @property
    def before(self) -> ModelShape:
        return self.steps[0]

    @property
    def after(self) -> ModelShape:
        """The shape after the last stage; its `tensors` are still those of the original model."""
        return self.steps[-1]

    @cached_property
    def size(self) -> SizeEstimate:
        """Bytes of the artefact; raises `RecipeError` when quantization does not fit the shape, or
        when the bytes are unknown before the artefact is made.
        """
        if self.recipe.is_reference:
            raise RecipeError(REFERENCE_SIZE)
        return artifact_bytes(self.before, self.after, self.recipe)


def apply_recipe(shape: ModelShape, recipe: Recipe) -> AppliedRecipe:
    """Apply the structural stages of `recipe`; computed once for equal shapes and recipes.

    A changed tokenizer.json in the folder of the model is read again.

    Raises:
        RecipeError: a student with more layers than its teacher, or a vocabulary without room for
        single characters.
        ModelError: a tokenizer whose vocabulary cannot be pruned.
    """
    return _applied(shape, recipe, _tokenizer_version(shape))


@lru_cache(maxsize=1024)
def _applied(shape: ModelShape, recipe: Recipe, _version: Version | None) -> AppliedRecipe:
    steps = [shape]
    for stage in recipe.stages:
        steps.append(_apply_stage(steps[-1], stage))
    return AppliedRecipe(recipe, tuple(steps))


def expected_bytes(shape: ModelShape, recipe: Recipe) -> SizeEstimate:
    """Bytes of the artefact of `recipe`; raises `RecipeError` when it does not fit the model."""
    return apply_recipe(shape, recipe).size


def _apply_stage(before: ModelShape, stage: AnyStage) -> ModelShape:
    after = before
    if isinstance(stage, Distill):
        after = replace(after, layers=len(stage.kept(after.layers)))
        for cut in stage.cuts():
            after = _pruned(after, cut)
    elif isinstance(stage, PruneStructure):
        after = _pruned(after, stage)
        if stage.allocation == "global" and after != before:
            after = replace(after, uneven=after.uneven | {stage.target})
    cut_again = after.layers < before.layers or any(
        getattr(after, width) < getattr(before, width) for width in before.uneven
    )
    return replace(after, sums_known=False) if before.uneven and cut_again else after


def _pruned(shape: ModelShape, stage: PruneStructure) -> ModelShape:
    match stage.target:
        case "layers":
            return replace(shape, layers=stage.kept(shape.layers))
        case "heads":
            return shape.with_head_groups(stage.kept(shape.head_groups))
        case "ffn":
            return replace(shape, ffn=stage.kept(shape.ffn))
        case "hidden":
            return shape.with_hidden(stage.kept(shape.hidden))
        case "vocabulary":
            return _with_fewer_tokens(shape, stage.kept(shape.vocabulary))


def _with_fewer_tokens(shape: ModelShape, count: int) -> ModelShape:
    """A smaller vocabulary, with bounds on the tokenizer file: the data decides which are kept.

    A model without tokenizer.json has no bounds before it is run.
    """
    if count == shape.vocabulary:
        return shape
    version = _tokenizer_version(shape)
    if version is None:
        return replace(shape, vocabulary=count, tokenizer_bytes=None)
    check_room(count, shape.vocabulary, len(_vocabulary(*version)[1]))
    low, likely, high = _bounds(*version, count)
    return replace(shape, vocabulary=count, tokenizer_bytes=likely, tokenizer_bounds=(low, high))


def _tokenizer_version(shape: ModelShape) -> Version | None:
    """Path, size and modification time of the model's tokenizer.json; None when there is none."""
    path = (shape.folder or Path()) / "tokenizer.json"
    if shape.folder is None or not path.is_file():
        return None
    stat = path.stat()
    return str(path), stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=8)
def _vocabulary(path: str, _size: int, _mtime_ns: int) -> tuple[Vocabulary, frozenset[int]]:
    """A tokenizer.json and its required ids; size and time invalidate the cached value."""
    vocabulary = Vocabulary(Path(path).read_text(encoding="utf-8"), where=path)
    return vocabulary, vocabulary.required(read_config(Path(path).parent))


@lru_cache(maxsize=256)
def _bounds(path: str, size: int, mtime_ns: int, count: int) -> tuple[int, int, int]:
    """Lowest, likely and highest bytes of a tokenizer.json with `count` entries."""
    vocabulary, required = _vocabulary(path, size, mtime_ns)
    return vocabulary.file_bytes(count, required)
