"""A tiny random model of any family, in torch and as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from paretoscope.families.decoders import DECODERS
from tests.tiny.decoders import VOCABULARY, tiny_decoder

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
}
DISTILBERT_SIZES = {
    "dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 64,
    "max_position_embeddings": 66,
}


def tiny_model(family: str) -> PreTrainedModel:
    """A classifier with three labels or a language model."""
    if family in DECODERS:
        return tiny_decoder(family, VOCABULARY)
    sizes: dict[str, Any] = DISTILBERT_SIZES if family == "distilbert" else SIZES
    if family == "electra":
        sizes = {**SIZES, "embedding_size": 16}
    config = AutoConfig.for_model(
        family, **sizes, vocab_size=50, num_labels=3, pad_token_id=1, initializer_range=0.2
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AutoModelForSequenceClassification.from_config(config).eval()


def saved(model: PreTrainedModel, folder: Path) -> Path:
    """Config and weights of a model in a folder."""
    model.save_pretrained(folder, safe_serialization=True)
    return folder
