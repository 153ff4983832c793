"""Whether a loaded model is the stored one: every tensor used, none missing, all numbers finite."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from transformers import PreTrainedModel
from transformers import modeling_gguf_pytorch_utils as gguf_reader

from paretoscope.models.decoder.gguf_rope import FACTORS
from paretoscope.sources.files import listed, stored_tensors, weight_files
from paretoscope.sources.folder_problems import BUFFERS
from paretoscope.sources.gguf import tensor_shapes
from paretoscope.sources.ref import ModelRef

LEFTOVERS: tuple[tuple[str, str], ...] = (
    (BUFFERS.pattern, "masks and counters"),
    (r"rotary_emb\.inv_freq$|rotary\.freqs$", "frequencies, which follow from the config"),
    (r"(^|\.)pooler\.", "pooler of an encoder whose classifier does not use it"),
    (r"^(cls|lm_head|predictions|sop_classifier|mlm|lm_predictions|mask_predictions)\.", "heads"),
    (r"^(generator|discriminator)(_lm_head|_predictions)\.", "heads of ELECTRA's training"),
    (r"^decoder\.(weight|bias)$", "head of ModernBERT's training"),
    (r"^vocab_(transform|layer_norm|projector)\.", "head of DistilBERT's training"),
    (r"^(pred_layer|lm_loss|qa_outputs|score|v_head|value_head)\.", "heads of other tasks"),
    (r"^(loss_fct|loss_fn|criterion)\.", "weights of classes in the loss"),
)
"""Pattern of a stored tensor that a model may lack, and what it is: none of these can change the
outputs of a model that has no module for it.
"""
_HARMLESS = re.compile("|".join(f"(?:{pattern})" for pattern, _ in LEFTOVERS))


def problems(ref: ModelRef, model: PreTrainedModel, loading: Mapping[str, Any]) -> list[str]:
    """All problems, one sentence each. `loading` is the loading info of `from_pretrained`."""
    unread = {name for name, *_ in loading["mismatched_keys"]} | {*loading["missing_keys"]}
    return [
        *_other_class(ref, model),
        *_missing(ref, model, loading),
        *_unused(ref, model, loading["unexpected_keys"]),
        *_not_finite(ref, model, unread),
    ]


def _other_class(ref: ModelRef, model: PreTrainedModel) -> Iterator[str]:
    """A model whose own code has another class than the one that transformers has."""
    names: Collection[str] = getattr(model.config, "architectures", None) or ()
    if getattr(model.config, "auto_map", None) and type(model).__name__ not in names:
        yield (
            f'"{ref.name}" needs code from its own folder (auto_map in config.json) for'
            f" {listed([*names])}, which is not executed; give a model of a family that"
            " transformers has."
        )


def _missing(ref: ModelRef, model: PreTrainedModel, loading: Mapping[str, Any]) -> Iterator[str]:
    if loading["mismatched_keys"]:
        name, stored, wanted = min(loading["mismatched_keys"])
        pruned = getattr(model.config, "pruned_heads", None)
        yield (
            f'"{ref.name}" stores {name} as {list(stored)}, but its config.json implies'
            f" {list(wanted)}; "
            + (
                "its pruned_heads are of transformers 4, and this version does not apply them: give"
                " the model before pruning."
                if pruned
                else "copy both from one model."
            )
        )
    if missing := sorted(loading["missing_keys"]):
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        decoder = ref.architecture == "decoder"
        usable = "complete language model" if decoder else "model fine-tuned for classification"
        yield f'"{ref.name}" has no trained weights for {missing[0]}{more}; give a {usable}.'


def _unused(ref: ModelRef, model: PreTrainedModel, unexpected: Collection[str]) -> Iterator[str]:
    path = Path(ref.path or ref.name)
    if path.is_file():
        unexpected = _unused_in_gguf(path, model)
    modules = {name for name, _ in model.named_children()}
    unused = sorted(
        name
        for name in unexpected
        if not _HARMLESS.search(name)
        or name.partition(".")[0] in modules - {model.base_model_prefix}
        or _has_pooler(name, model)
    )
    if unused:
        yield (
            f'"{ref.name}" stores tensors that a {type(model).__name__} with its config.json does'
            f" not use: {listed(unused)}; correct the config, or give the weights that belong to"
            " it."
        )
    if path.is_dir() and (double := _stored_twice(path, model)):
        yield (
            f'"{ref.name}" stores two different versions of {listed(double)}, with and without'
            f' "{model.base_model_prefix}." before the name; remove one.'
        )


def _has_pooler(name: str, model: PreTrainedModel) -> bool:
    return "pooler." in name and any("pooler" in each for each in model.state_dict())


def _unused_in_gguf(path: Path, model: PreTrainedModel) -> list[str]:
    """Tensors for which transformers has no name; it drops them without a message."""
    reader: Any = gguf_reader
    used = reader.get_gguf_hf_weights_map(model, reader.TensorProcessor())
    return [name for name in tensor_shapes(path) if name not in used and name != FACTORS]


def _stored_twice(folder: Path, model: PreTrainedModel) -> list[str]:
    """Tensors that are stored with and without the name of the base model, and differ."""
    files = weight_files(folder)
    names, prefix = stored_tensors(files), f"{model.base_model_prefix}."
    return sorted(
        name
        for name in names
        if f"{prefix}{name}" in names and not _equal(files, name, f"{prefix}{name}")
    )


def _equal(files: list[Path], first: str, second: str) -> bool:
    found: dict[str, torch.Tensor] = {}
    untyped: Any = safetensors
    for path in files:
        with untyped.safe_open(str(path), framework="pt") as file:
            found |= {name: file.get_tensor(name) for name in {first, second} & {*file.keys()}}
    return torch.equal(found[first], found[second])


def _not_finite(ref: ModelRef, model: PreTrainedModel, unread: Collection[str]) -> Iterator[str]:
    """Tensors with NaN or infinite numbers, except those that were not read from the files."""
    bad = sorted(
        name
        for name, tensor in model.state_dict().items()
        if name not in unread and tensor.is_floating_point() and not torch.isfinite(tensor).all()
    )
    if bad:
        yield (
            f'The weights of "{ref.name}" hold NaN or infinite numbers, in {listed(bad)}; give a'
            " checkpoint from before training diverged."
        )
