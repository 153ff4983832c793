"""Tiny random language models of every family that has a graph, as full local folders, for tests
that need no hub.

Two layers, hidden size 64, four query heads of 16 on two key heads, a feed-forward width of 96, 128
positions. The weights are random but wide (std 0.2), so that what a test changes shows in the
logits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedModel

from paretoscope.families.decoders import DECODERS
from paretoscope.recipes.context import EncodedSplit, StageContext
from tests.tiny.encoders import byte_pairs

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
)
FAMILIES = tuple(DECODERS)
END = 2
VOCABULARY = 300
"""Words of a tiny model that has no tokenizer."""


def tiny_decoder(family: str, vocabulary_size: int, **changes: Any) -> PreTrainedModel:
    """A random model of a family; `changes` go into its config."""
    usual: dict[str, Any] = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "intermediate_size": 96,
        "max_position_embeddings": 128,
    }
    if family == "gpt2":
        usual = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_inner": 96, "n_positions": 128}
    if family in ("phi", "phi3"):
        del usual["head_dim"]
    if family == "phi":  # it rotates half of a head, and what is rotated comes in steps of 16
        usual |= {"num_attention_heads": 2, "num_key_value_heads": 1}
    tokens = {
        "vocab_size": vocabulary_size,
        "bos_token_id": 0,
        "eos_token_id": END,
        "pad_token_id": 1,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(
            AutoConfig.for_model(family, **{**usual, **tokens, "initializer_range": 0.2, **changes})
        )
        with torch.no_grad():
            for parameter in model.parameters():
                if (
                    parameter.ndim == 1
                ):  # norms and biases would be ones and zeros, which hide mistakes
                    parameter.add_(torch.randn_like(parameter) * 0.2)
    model.config.architectures = [type(model).__name__]
    model.generation_config = GenerationConfig(bos_token_id=0, eos_token_id=END, pad_token_id=1)
    return model.eval()


def make_decoder(family: str, folder: Path, **changes: Any) -> Path:
    """Write a model folder (`config.json`, `model.safetensors`, `tokenizer.json` and a chat
    template) and return it.

    The same arguments give the same weights. Texts of up to 128 tokens fit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_pairs()
    tiny_decoder(family, tokenizer.get_vocab_size(), **changes).save_pretrained(
        folder, safe_serialization=True
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "chat_template": CHATML,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def calibration_context(texts: int = 12, tokens: int = 24) -> StageContext:
    """What the engine would give a stage: every split is random texts of two lengths, nothing is
    cached.
    """
    random = np.random.default_rng(0)
    ids = [random.integers(5, 260, size=tokens - number % 2) for number in range(texts)]
    split = EncodedSplit(ids, np.zeros(texts, dtype=np.int64), "tiny")
    return StageContext(
        0, (), lambda name: split, lambda step, steps, *, epochs=0.0: None, lambda key, make: make()
    )


def logits_after_every_token(model: PreTrainedModel) -> torch.Tensor:
    """[2, 16, vocabulary] of two texts."""
    with torch.no_grad():
        return model(input_ids=torch.arange(5, 37).reshape(2, 16)).logits


__all__ = [
    "END",
    "FAMILIES",
    "VOCABULARY",
    "calibration_context",
    "logits_after_every_token",
    "make_decoder",
    "tiny_decoder",
]
