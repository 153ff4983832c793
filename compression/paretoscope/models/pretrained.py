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
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    GgufConfig,
    PreTrainedModel,
)

from paretoscope.errors import ModelError
from paretoscope.models import stored_weights
from paretoscope.models.decoder.gguf_rope import scale_rotations
from paretoscope.sources.ref import ModelRef


def trained(ref: ModelRef) -> PreTrainedModel:
    """The model in fp32 and eval mode.

    Raises:
        ModelError: it cannot be loaded, or it is not the model that is stored: all problems that
        `models/stored_weights.py` finds.
    """
    decoder = ref.architecture == "decoder"
    kind: Any = AutoModelForCausalLM if decoder else AutoModelForSequenceClassification
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
    except MemoryError:
        raise
    except Exception as error:  # whatever a wrong value in the config raises
        raise _not_loaded(ref, error) from error
    if is_gguf(ref):
        scale_rotations(model, Path(ref.path or ref.name))
    if problems := stored_weights.problems(ref, model, found):
        raise ModelError(" ".join(problems))
    return model.eval()


def _not_loaded(ref: ModelRef, error: Exception) -> ModelError:
    if "trust_remote_code" in str(error):
        return ModelError(
            f'"{ref.name}" needs code from its own folder (auto_map in config.json), which is not'
            " executed; give a model of a family that transformers has."
        )
    decoder = ref.architecture == "decoder"
    what = "language model" if decoder else "classifier"
    kinds = "safetensors or GGUF" if decoder else "safetensors"
    reason = first_line(error)
    if "Validation error for field" in reason:  # ... 'name': TypeError: Field 'name' expected int
        reason = "in config.json, " + reason.rpartition("Error: ")[2]
    if isinstance(error, KeyError):
        reason = f"transformers does not know {reason}"
    return ModelError(
        f'The model "{ref.name}" cannot be loaded: {reason}; give a transformers {what} in {kinds}.'
    )


def is_gguf(ref: ModelRef) -> bool:
    return str(ref.path).lower().endswith(".gguf")


def first_line(error: BaseException) -> str:
    """The first sentence of a library's error message."""
    lines = str(error).strip().splitlines()
    if lines[1:] and lines[0].endswith(":"):
        lines[0] += f" {lines[1].strip()}"
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
