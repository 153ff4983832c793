"""The shape of a model, read from its config and the headers of its weights, and what a recipe makes of that shape.

No weight is loaded and no torch imported, so a page can ask at every move of a slider. How many heads, neurons and layers
stay is `stages/`'s; how many bytes come out of it is `sizes.py`'s; what only language models have is `decoder_facts.py`'s.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from paretoscope.errors import ModelError
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure
from paretoscope.sources.folder import DECODER_FAMILIES, weight_files
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.tokenizer_file import Vocabulary, check_room

FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert")
"""By `model_type` of the config: those whose graph has a fixed plan, so that its bytes are known beforehand."""
PADDED_POSITIONS = ("roberta", "xlm-roberta", "camembert")
"""Families that count positions from padding_idx + 1: the rows before are left out of the graph."""
QUERY = re.compile(r"\.(\d+)\.attention\.(?:self\.query|q_lin)\.weight$")
FFN = re.compile(r"\.\d+\.(?:intermediate\.dense|ffn\.lin1)\.weight$")


@dataclass(frozen=True)
class ModelFacts:
    """An encoder classifier in numbers. `positions` counts the rows that the exported graph keeps; `tokenizer_bytes` is
    the size of `tokenizer.json` in an artefact, None when the model brings only the files of a slow tokenizer."""

    name: str
    family: str
    layers: int
    hidden: int
    heads: int
    head_size: int
    ffn: int
    vocabulary: int
    embedding: int
    positions: int
    classes: int
    tokenizer_bytes: int | None
    shapes: Mapping[str, tuple[int, ...]]
    """Of every stored tensor, by its name."""
    uneven: frozenset[str] = frozenset()
    """"heads" or "ffn" where layers differ in it: then the number is their mean, and what each layer has depends on its weights."""
    sums_known: bool = True
    """Whether mean times layers is what all layers have together; not so once uneven layers were cut again."""

    @property
    def projected(self) -> bool:
        """Whether a matrix leads from the width of the embeddings to the hidden width (ELECTRA); if not, they are one."""
        return any(name.endswith("embeddings_project.weight") for name in self.shapes)

    tokenizer_bounds: tuple[int, int] | None = None
    """Least and most bytes of the tokenizer when which of its entries stay is yet to be found, else None."""
    folder: Path | None = None
    """Where the model is, for what only its tokenizer can tell."""

    @property
    def head_groups(self) -> int:
        """Heads of a layer, or what of them is cut together."""
        return self.heads

    def with_head_groups(self, count: int) -> Self:
        """The same with so many of them in every layer."""
        return replace(self, heads=count)

    @property
    def encoder_parameters(self) -> int:
        """Weights in the matrices of the encoder, as they are multiplied for every token."""
        return self.layers * self.hidden * (4 * self.heads * self.head_size + 2 * self.ffn)

    @property
    def parameters(self) -> int:
        """Numbers in all stored tensors."""
        total = 0
        for shape in self.shapes.values():
            count = 1
            for side in shape:
                count *= side
            total += count
        return total


def facts(model: ModelRef | str | Path, classes: int | None = None) -> ModelFacts:
    """The facts of a resolved model, or of a folder with `config.json` and safetensors; `classes` overrides the config's.

    Raises `ModelError` for a folder that cannot be read and for a family whose graph is not known beforehand.

    >>> facts("/nowhere")
    Traceback (most recent call last):
    ...
    paretoscope.errors.ModelError: The folder "/nowhere" has no readable config.json; give the folder of a transformers model.
    """
    from paretoscope.decoder_facts import decoder_facts  # builds on this file

    if (isinstance(model, ModelRef) and model.architecture == "decoder") or (not isinstance(model, ModelRef) and _is_decoder(Path(model))):
        return decoder_facts(model)
    if isinstance(model, ModelRef):
        return _facts(model.name, Path(model.path or model.name), classes or model.classes)
    return _facts(str(model), Path(model), classes)


def _is_decoder(path: Path) -> bool:
    return path.suffix.lower() == ".gguf" or str(read_config(path).get("model_type")) in DECODER_FAMILIES


def _facts(name: str, folder: Path, classes: int | None) -> ModelFacts:
    config = read_config(folder)
    family = str(config.get("model_type"))
    if family not in FAMILIES:
        raise ModelError(f'The size of a compressed "{family}" model is not known beforehand; it is for {", ".join(FAMILIES)}. Measure it instead.')
    shapes = stored_shapes(folder)
    words, table = _ending(shapes, "word_embeddings.weight", folder), _ending(shapes, "position_embeddings.weight", folder)
    queries = {int(found[1]): shape for key, shape in shapes.items() if (found := QUERY.search(key))}
    widths = {shape[0] for key, shape in shapes.items() if FFN.search(key)}
    attention = {shape[0] for shape in queries.values()}
    hidden, heads = (
        int(config.get(usual) or config.get(other) or 0) for usual, other in (("hidden_size", "dim"), ("num_attention_heads", "n_heads"))
    )
    if len(widths) != 1 or len(attention) != 1 or not hidden or not heads:
        raise ModelError(
            f'The layers in "{folder}" are missing or differ in their widths, so the size of a compressed model is not known beforehand.'
        )
    head_size = hidden // heads
    before = int(config.get("pad_token_id") or 0) + 1 if family in PADDED_POSITIONS else 0
    return ModelFacts(
        name=name,
        family=family,
        layers=len(queries),
        hidden=hidden,
        heads=attention.pop() // head_size,
        head_size=head_size,
        ffn=widths.pop(),
        vocabulary=words[0],
        embedding=words[1],
        positions=table[0] - before,
        classes=classes or len(config.get("id2label") or ()) or int(config.get("num_labels", 2)),
        tokenizer_bytes=tokenizer_bytes(folder / "tokenizer.json"),
        shapes=shapes,
        folder=folder,
    )


def family_of(model: ModelRef) -> str:
    """The `model_type` of a model's config; raises `ModelError` where it cannot be read."""
    return str(read_config(Path(model.path or model.name)).get("model_type"))


def after(facts: ModelFacts, recipe: Recipe) -> ModelFacts:
    """The shape that is left when the structural stages of `recipe` are done; `shapes` stays that of the original.

    Raises `RecipeError` when a student is to have layers that are not there, or a vocabulary no room for single characters.
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
        if before.uneven and (facts.layers < before.layers or any(getattr(facts, width) < getattr(before, width) for width in before.uneven)):
            facts = replace(facts, sums_known=False)
    return facts


def _pruned(facts: ModelFacts, stage: PruneStructure) -> ModelFacts:
    match stage.target:
        case "layers":
            return replace(facts, layers=stage.kept(facts.layers))
        case "heads":
            return facts.with_head_groups(stage.kept(facts.head_groups))
        case "ffn":
            return replace(facts, ffn=stage.kept(facts.ffn))
        case "hidden":
            kept = stage.kept(facts.hidden)
            return replace(facts, hidden=kept, embedding=facts.embedding if facts.projected else kept)
        case "vocabulary":
            return _with_fewer_words(facts, stage.kept(facts.vocabulary))


def _with_fewer_words(facts: ModelFacts, count: int) -> ModelFacts:
    """Rows are exact; the tokenizer's file depends on which entries the data wants, so it gets bounds.

    Raises `ModelError` for a tokenizer whose vocabulary cannot be cut; a model without a tokenizer.json tells when it is run.
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
    """A tokenizer.json and the ids that must stay in it. As in `_rewritten_bytes`, two numbers make a rewritten file another entry."""
    vocabulary = Vocabulary(Path(path).read_text(encoding="utf-8"), where=path)
    return vocabulary, vocabulary.required(read_config(Path(path).parent))


@lru_cache(maxsize=256)
def _bounds(path: str, size: int, changed_ns: int, count: int) -> tuple[int, int, int]:
    """Least, likely and most bytes of the file with `count` entries: asked for several times at every move of a slider."""
    vocabulary, required = _vocabulary(path, size, changed_ns)
    return vocabulary.file_bytes(count, required)


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a model's folder; raises `ModelError` where there is none."""
    try:
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f'The folder "{folder}" has no readable config.json; give the folder of a transformers model.') from error
    if not isinstance(content, dict):
        raise ModelError(f'"{folder / "config.json"}" holds no JSON object; copy the model again.')
    return content  # pyright: ignore[reportUnknownVariableType]


def stored_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shapes from the headers of all safetensors files of a model: 8 bytes of length, then JSON."""
    found: dict[str, tuple[int, ...]] = {}
    for path in weight_files(folder):
        try:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                if length > path.stat().st_size:
                    raise ValueError("its header is cut short")
                header: dict[str, Any] = json.loads(file.read(length))
            found |= {key: tuple(entry["shape"]) for key, entry in header.items() if key != "__metadata__"}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
            raise ModelError(f'The header of "{path}" cannot be read ({error}); copy or download the file again.') from error
    return found


def _ending(shapes: Mapping[str, tuple[int, ...]], end: str, folder: Path) -> tuple[int, ...]:
    for key, shape in shapes.items():
        if key.endswith(end):
            return shape
    raise ModelError(f'The weights in "{folder}" have no tensor "...{end}"; give an encoder with absolute positions.')


def tokenizer_bytes(path: Path) -> int | None:
    """Size that `tokenizer.json` has once it is written anew without padding and truncation."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _rewritten_bytes(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _rewritten_bytes(path: str, size: int, changed_ns: int) -> int | None:
    """The two numbers make a rewritten file another cache entry."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        return len(json.dumps({**content, "padding": None, "truncation": None}, ensure_ascii=False, separators=(",", ":")).encode())
    except (OSError, ValueError, TypeError):
        return None
