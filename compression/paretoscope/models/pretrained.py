"""Loading a user's model with transformers, from a folder, the Hugging Face Hub or a GGUF file.

Every tensor must be stored in the shape that the config implies. Code in a model's folder is not
executed, and pickle is not read. GGUF is de-quantized to fp32, which is the baseline.
"""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    GgufConfig,
    PreTrainedModel,
)

from paretoscope.errors import ModelError
from paretoscope.sources.ref import ModelRef


def trained(ref: ModelRef) -> PreTrainedModel:
    """The model in fp32 and eval mode."""
    decoder = ref.architecture == "decoder"
    kind: Any = AutoModelForCausalLM if decoder else AutoModelForSequenceClassification
    what = "language model" if decoder else "classifier"
    try:
        with redirect_stderr(StringIO()):  # no setting hides the progress bar of GGUF
            model, found = kind.from_pretrained(
                use_safetensors=True,
                dtype=torch.float32,
                trust_remote_code=False,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # reported below, by name
                **located(ref),
                **({"quantization_config": GgufConfig(dequantize=True)} if is_gguf(ref) else {}),
            )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        kinds = "safetensors or GGUF" if decoder else "safetensors"
        raise ModelError(
            f'The model "{ref.name}" cannot be loaded: {first_line(error)}; give a transformers'
            f" {what} in {kinds}."
        ) from error
    if found["mismatched_keys"]:
        name, stored, wanted = min(found["mismatched_keys"])
        raise ModelError(
            f'"{ref.name}" stores {name} as {list(stored)}, but its config.json implies'
            f" {list(wanted)}; copy both from one model."
        )
    missing = sorted(found["missing_keys"])
    if missing:
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        usable = "complete language model" if decoder else "model fine-tuned for classification"
        raise ModelError(
            f'"{ref.name}" has no trained weights for {missing[0]}{more}; give a {usable}.'
        )
    return model.eval()


def is_gguf(ref: ModelRef) -> bool:
    return str(ref.path).lower().endswith(".gguf")


def first_line(error: BaseException) -> str:
    """The first sentence of a library's error message."""
    lines = str(error).strip().splitlines()
    return (lines[0].partition(". ")[0] if lines else type(error).__name__).rstrip(".")


def located(ref: ModelRef) -> dict[str, Any]:
    """Arguments of `from_pretrained` that locate a model."""
    source = ref.path or ref.name
    if is_gguf(ref):
        return {
            "pretrained_model_name_or_path": str(Path(source).parent),
            "gguf_file": Path(source).name,
        }
    return {"pretrained_model_name_or_path": source, "revision": ref.revision or "main"}
