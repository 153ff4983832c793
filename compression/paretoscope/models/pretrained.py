"""A person's own weights and tokenizer, as transformers reads them: from a folder, the hub, or a
GGUF file.

Every tensor that a model needs must be stored, in the shape that its config means. Code from a
model's folder never runs, and pickle is never read. GGUF is de-quantized to fp32, which is then the
baseline.
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
from paretoscope.models.decoder.checkpoint import TOKENIZER_CONFIG
from paretoscope.sources.ref import ModelRef

TOKENIZER = "tokenizer.json"


def trained(ref: ModelRef) -> PreTrainedModel:
    """The model in fp32 and eval mode; transformers renames the tensors of old checkpoints."""
    decoder = ref.architecture == "decoder"
    kind: Any = AutoModelForCausalLM if decoder else AutoModelForSequenceClassification
    what = "language model" if decoder else "classifier"
    try:
        with redirect_stderr(
            StringIO()
        ):  # reading GGUF draws a progress bar that no setting turns off
            model, found = kind.from_pretrained(
                use_safetensors=True,
                dtype=torch.float32,
                trust_remote_code=False,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # transformers only prints which ones; here they are named below
                **_where(ref),
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
            f'"{ref.name}" stores {name} as {list(stored)}, but its config.json means'
            f" {list(wanted)}; copy both from one model."
        )
    missing = sorted(found["missing_keys"])
    if missing:
        raise ModelError(
            f'"{ref.name}" has no trained weights for {missing[0]}'
            + (f" and {len(missing) - 1} more" if missing[1:] else "")
            + "; "
            "give a"
            f" {'whole language model' if decoder else 'model that was fine-tuned for sequence classification'}."
        )
    return model.eval()


def tokenizer_json(ref: ModelRef) -> str:
    """`tokenizer.json` of the model, made from a slow tokenizer or GGUF when there is none, without
    padding or truncation.
    """
    stored = Path(ref.path or ref.name) / TOKENIZER
    try:
        tokenizer = (
            Tokenizer.from_file(str(stored))
            if stored.is_file()
            else _own_tokenizer(ref).backend_tokenizer
        )
    except (
        Exception
    ) as error:  # the tokenizers library raises plain Exception for a file it cannot read
        raise ModelError(
            f'The tokenizer of "{ref.name}" cannot be read: {first_line(error)}; add its'
            " tokenizer.json to the folder."
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer.to_str()


def chat_template(ref: ModelRef) -> str | None:
    """How the model's makers write a conversation, as a Jinja template; None when they do not say."""
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
    """The first sentence of a library's complaint; what follows is advice for its programmers."""
    lines = str(error).strip().splitlines()
    return (lines[0].partition(". ")[0] if lines else type(error).__name__).rstrip(".")


def _own_tokenizer(ref: ModelRef) -> Any:
    return AutoTokenizer.from_pretrained(trust_remote_code=False, **_where(ref))


def _where(ref: ModelRef) -> dict[str, Any]:
    """What tells transformers where a model lies."""
    source = ref.path or ref.name
    if is_gguf(ref):
        return {
            "pretrained_model_name_or_path": str(Path(source).parent),
            "gguf_file": Path(source).name,
        }
    return {"pretrained_model_name_or_path": source, "revision": ref.revision or "main"}


def write_tokenizer_config(ref: ModelRef, folder: Path) -> None:
    """tokenizer_config.json, with the chat template in it, as onnxruntime-genai reads it."""
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
