"""Folders of other tools and formats: which one it is, and how to get a usable model from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from paretoscope.errors import ModelError
from paretoscope.sources.files import INDEX, WEIGHTS, read_json

ADAPTER = "adapter_config.json"
SETFIT = ("config_setfit.json", "model_head.pkl")
MARKERS = (ADAPTER, SETFIT[0], "modules.json", "quantize_config.json", "quant_config.json")
"""Small files that tell formats apart, so they are downloaded from the hub too."""

_EXPORTED: tuple[tuple[str, str], ...] = (
    (r"\.onnx$", "an ONNX graph"),
    (r"^openvino_.*\.xml$", "an OpenVINO model"),
    (r"\.(h5|keras)$|^saved_model\.pb$", "TensorFlow weights"),
    (r"\.msgpack$", "Flax weights"),
    (r"\.(mlmodel|mlpackage)$", "a Core ML model"),
    (r"\.tflite$", "a TensorFlow Lite model"),
    (r"^rust_model\.ot$", "weights of rust-bert"),
    (r"\.npz$", "weights of MLX"),
)
"""Pattern of a file's name, and what the file is."""


def check_adapter(folder: Path) -> None:
    """Raise `ModelError` for an adapter, which transformers would add to the weights if it can."""
    if not (folder / ADAPTER).is_file():
        return
    content = read_json(folder / ADAPTER)
    base = content.get("base_model_name_or_path") or content.get("model_name") or "its base model"
    kind = content.get("peft_type")
    what, how = (
        (f"a PEFT adapter ({kind})", "in peft: merge_and_unload")
        if kind
        else ("an adapter", "in adapters: merge_adapter")
    )
    raise ModelError(
        f'"{folder}" has {what} for {base}, not a complete model; merge it first ({how}, then'
        " save_pretrained to a new folder with the tokenizer) and give the merged model."
    )


def hint(folder: Path) -> ModelError | None:
    """The error for a folder without config, weights or head whose format is known, else None."""
    names = sorted(path.name for path in folder.iterdir())
    if any(name in names for name in SETFIT):
        return ModelError(
            f'"{folder}" is a SetFit model, whose classification head is a scikit-learn pickle;'
            " give a transformers classifier, for example one that is fine-tuned on the same data."
        )
    if (folder / WEIGHTS).is_file() or (folder / INDEX).is_file():
        if "modules.json" in names:
            return ModelError(
                f'"{folder}" is a sentence-embedding model (sentence-transformers) without a'
                " classification head; fine-tune a classifier on it and give that."
            )
        return None
    return _without_weights(folder, names)


def _without_weights(folder: Path, names: Sequence[str]) -> ModelError | None:
    """The error for a folder that has neither `model.safetensors` nor an index."""
    if found := [name for name in names if name.lower().endswith(".gguf")]:
        return ModelError(
            f'The folder "{folder}" has a GGUF file; give the file itself: "{folder / found[0]}".'
        )
    inner = [path.parent for path in folder.glob(f"*/{WEIGHTS}")]
    inner += [path.parent for path in folder.glob(f"*/{INDEX}")]
    usable = [path for path in inner if (path / "config.json").is_file()]
    if usable:
        return ModelError(
            f'The model is in a subfolder of "{folder}"; give one, such as'
            f' "{max(usable, key=_step)}".'
        )
    if found := [name for name in names if name.endswith(".safetensors")]:
        return ModelError(
            f'"{folder}" stores weights as {found[0]}, but {WEIGHTS} or {INDEX} is needed; rename'
            " the file if it has all weights, or save the model again with save_pretrained."
        )
    exported = [*names, *(path.name for path in folder.glob("onnx/*.onnx"))]
    for pattern, what in _EXPORTED:
        if found := [name for name in exported if re.search(pattern, name)]:
            return ModelError(
                f'"{folder}" has {what} ({found[0]}), but PyTorch weights are needed; give the'
                f" folder with {WEIGHTS} that it was made from."
            )
    return None


def _step(path: Path) -> tuple[int, str]:
    """Sorts checkpoint-1000 after checkpoint-500."""
    digits = re.findall(r"\d+", path.name)
    return (int(digits[-1]) if digits else -1, path.name)
