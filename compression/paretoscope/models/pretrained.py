"""Loading a user's model with transformers, from a folder, the Hugging Face Hub or a GGUF file.

Every tensor must be stored in the shape that the config implies. Code in a model's folder is not
executed, and pickle is not read. GGUF is de-quantized to fp32, which is the baseline.
"""

from __future__ import annotations

import json
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GgufConfig,
    PreTrainedModel,
)

from paretoscope.errors import ModelError
from paretoscope.models import stored_weights
from paretoscope.models.decoder.checkpoint import TOKENIZER_CONFIG
from paretoscope.models.decoder.gguf_rope import scale_rotations
from paretoscope.sources.ref import ModelRef

TOKENIZER = "tokenizer.json"
_REASONS = (OSError, ValueError, RuntimeError, KeyError, AttributeError, TypeError, ImportError)
"""What transformers raises for a folder that it cannot load; NotImplementedError is among them."""


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
                **_where(ref),
                **({"quantization_config": GgufConfig(dequantize=True)} if is_gguf(ref) else {}),
            )
    except (*_REASONS, SafetensorError) as error:
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
    if isinstance(error, KeyError):
        reason = f"transformers does not know {reason}"
    return ModelError(
        f'The model "{ref.name}" cannot be loaded: {reason}; give a transformers {what} in {kinds}.'
    )


def tokenizer_json(ref: ModelRef) -> str:
    """`tokenizer.json` of the model without padding or truncation; converted from a slow tokenizer
    or GGUF if there is no such file.
    """
    stored = Path(ref.path or ref.name) / TOKENIZER
    try:
        tokenizer = (
            Tokenizer.from_file(str(stored))
            if stored.is_file()
            else _own_tokenizer(ref).backend_tokenizer
        )
    except Exception as error:  # tokenizers raises plain Exception for an unreadable file
        raise ModelError(
            f'The tokenizer of "{ref.name}" cannot be read: {first_line(error)}; add its'
            " tokenizer.json to the folder."
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer.to_str()


def chat_template(ref: ModelRef) -> str | None:
    """The Jinja template of the model's tokenizer for conversations, if it has one."""
    try:
        template = _own_tokenizer(ref).chat_template
    except Exception as error:  # as above
        raise ModelError(
            f'The tokenizer of "{ref.name}" cannot be read: {first_line(error)}; add its'
            " tokenizer.json to the folder."
        ) from error
    return template if isinstance(template, str) else None


def is_gguf(ref: ModelRef) -> bool:
    return str(ref.path).lower().endswith(".gguf")


def first_line(error: BaseException) -> str:
    """The first sentence of a library's error message."""
    lines = str(error).strip().splitlines()
    return (lines[0].partition(". ")[0] if lines else type(error).__name__).rstrip(".")


def _own_tokenizer(ref: ModelRef) -> Any:
    factory: Any = AutoTokenizer
    return factory.from_pretrained(trust_remote_code=False, **_where(ref))


def _where(ref: ModelRef) -> dict[str, Any]:
    """Arguments of `from_pretrained` that locate a model."""
    source = ref.path or ref.name
    if is_gguf(ref):
        return {
            "pretrained_model_name_or_path": str(Path(source).parent),
            "gguf_file": Path(source).name,
        }
    return {"pretrained_model_name_or_path": source, "revision": ref.revision or "main"}


def write_tokenizer_config(ref: ModelRef, folder: Path) -> None:
    """Write tokenizer_config.json with the chat template, as onnxruntime-genai reads it."""
    content = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "chat_template": chat_template(ref),
    }
    text = json.dumps(
        {name: value for name, value in content.items() if value is not None},
        indent=1,
        ensure_ascii=False,
    )
    (folder / TOKENIZER_CONFIG).write_text(text, encoding="utf-8")
