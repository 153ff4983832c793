"""Configs of tiny classifiers of every family in the tables, at any sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

LABELS = 3


@dataclass(frozen=True)
class Sizes:
    """Sizes of a tiny model; `hidden` is `heads` times the head size."""

    layers: int = 2
    heads: int = 4
    head_size: int = 8
    ffn: int = 64
    vocabulary: int = 90
    positions: int = 160
    padding: int = 1
    activation: str = "gelu"
    window: int = 16
    """Tokens of local attention, and buckets of relative positions."""

    @property
    def hidden(self) -> int:
        return self.heads * self.head_size


Fields = Mapping[str, Any]


def _usual(at: Sizes) -> Fields:
    return {
        "hidden_size": at.hidden,
        "num_hidden_layers": at.layers,
        "num_attention_heads": at.heads,
        "intermediate_size": at.ffn,
        "hidden_act": at.activation,
        "max_position_embeddings": at.positions,
    }


def _narrow(at: Sizes) -> Fields:
    return {**_usual(at), "embedding_size": at.hidden // 2}


def _grouped(at: Sizes) -> Fields:
    """Two query heads for each key head where that is possible."""
    keys = at.heads // 2 if at.heads % 2 == 0 else at.heads
    return {
        **_usual(at),
        "num_key_value_heads": keys,
        "head_dim": at.head_size,
        "hidden_act": "silu",
        "sliding_window": at.window,
    }


def _gpt(at: Sizes) -> Fields:
    return {
        "n_embd": at.hidden,
        "n_layer": at.layers,
        "n_head": at.heads,
        "n_positions": at.positions,
    }


def _distilbert(at: Sizes) -> Fields:
    return {
        "dim": at.hidden,
        "n_layers": at.layers,
        "n_heads": at.heads,
        "hidden_dim": at.ffn,
        "activation": at.activation,
        "max_position_embeddings": at.positions,
    }


def _xlm(at: Sizes) -> Fields:
    return {
        "emb_dim": at.hidden,
        "n_layers": at.layers,
        "n_heads": at.heads,
        "max_position_embeddings": at.positions,
        "pad_index": at.padding,
    }


def _modern(at: Sizes) -> Fields:
    ends = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    pooling = "mean" if at.layers % 2 else "cls"
    return {
        **_usual(at),
        "hidden_activation": at.activation,
        "local_attention": at.window,
        "global_attn_every_n_layers": 2,
        "classifier_pooling": pooling,
        **ends,
    }


def _deberta(at: Sizes) -> Fields:
    return {
        **_usual(at),
        "relative_attention": True,
        "position_buckets": at.window,
        "pos_att_type": ["p2c", "c2p"],
        "norm_rel_ebd": "layer_norm",
        "share_att_key": at.layers % 2 == 0,
        "position_biased_input": at.layers % 2 == 1,
        "type_vocab_size": 0,
    }


FAMILIES: dict[str, Callable[[Sizes], Fields]] = {
    "albert": _narrow,
    "bert": _usual,
    "big_bird": lambda at: {
        **_usual(at),
        "attention_type": "block_sparse",
        "block_size": 4,
        "num_random_blocks": 1,
    },
    "biogpt": _usual,
    "bloom": lambda at: {"hidden_size": at.hidden, "n_layer": at.layers, "n_head": at.heads},
    "camembert": _usual,
    "convbert": lambda at: {**_narrow(at), "head_ratio": 2, "conv_kernel_size": 3},
    "ctrl": lambda at: {**_gpt(at), "dff": at.ffn},
    "data2vec-text": _usual,
    "deberta-v2": _deberta,
    "distilbert": _distilbert,
    "electra": _narrow,
    "ernie": _usual,
    "esm": lambda at: {
        **_usual(at),
        "position_embedding_type": "rotary" if at.layers % 2 else "absolute",
        "mask_token_id": 4,
        "token_dropout": True,
    },
    "eurobert": _grouped,
    "falcon": _usual,
    "flaubert": _xlm,
    "gemma": _grouped,
    "gemma2": _grouped,
    "gemma3_text": _grouped,
    "gpt2": _gpt,
    "gpt_neo": lambda at: {
        **_usual(at),
        "num_layers": at.layers,
        "num_heads": at.heads,
        "attention_types": [[["global"], 1], [["local"], at.layers - 1]],
        "window_size": at.window,
    },
    "gpt_neox": _usual,
    "gptj": lambda at: {**_gpt(at), "rotary_dim": 4},
    "gte": _usual,
    "ibert": _usual,
    "layoutlm": _usual,
    "llama": _grouped,
    "luke": lambda at: {**_usual(at), "entity_vocab_size": 10, "entity_emb_size": 16},
    "megatron-bert": _usual,
    "mistral": _grouped,
    "mobilebert": lambda at: {
        **_usual(at),
        "embedding_size": at.hidden // 2,
        "intra_bottleneck_size": at.hidden // 2,
        "true_hidden_size": at.hidden // 2,
    },
    "modernbert": _modern,
    "modernbert-decoder": _modern,
    "mpnet": _usual,
    "mpt": lambda at: {
        "d_model": at.hidden,
        "n_layers": at.layers,
        "n_heads": at.heads,
        "max_seq_len": at.positions,
    },
    "nomic_bert": _usual,
    "openai-gpt": _gpt,
    "opt": lambda at: {**_usual(at), "ffn_dim": at.ffn, "word_embed_proj_dim": at.hidden},
    "phi": _usual,
    "phi3": _grouped,
    "qwen2": _grouped,
    "qwen3": _grouped,
    "rembert": lambda at: {
        **_usual(at),
        "input_embedding_size": at.hidden // 2,
        "output_embedding_size": at.hidden // 2,
    },
    "roberta": _usual,
    "roberta-prelayernorm": _usual,
    "roformer": _narrow,
    "squeezebert": lambda at: {
        **_usual(at),
        "embedding_size": at.hidden,
        **dict.fromkeys(("q_groups", "k_groups", "v_groups", "post_attention_groups"), 1),
        **dict.fromkeys(("intermediate_groups", "output_groups"), 1),
    },
    "smollm3": _grouped,
    "stablelm": lambda at: {**_usual(at), "num_key_value_heads": at.heads},
    "starcoder2": _grouped,
    "xlm": _xlm,
    "xlm-roberta": _usual,
    "xlm-roberta-xl": _usual,
    "xlnet": lambda at: {
        "d_model": at.hidden,
        "n_layer": at.layers,
        "n_head": at.heads,
        "d_inner": at.ffn,
    },
    "yoso": _usual,
}
"""Fields of the config of a family, by `model_type`."""


def tiny_classifier(family: str, at: Sizes, seed: int = 0, **changes: object) -> PreTrainedModel:
    """A classifier with random weights so wide that every part of it shows in the logits.

    `changes` are further fields of its config.
    """
    shape = {"vocab_size": at.vocabulary, "num_labels": LABELS, "pad_token_id": at.padding}
    config = AutoConfig.for_model(family, **{**FAMILIES[family](at), **shape, **changes})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_config(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
                elif parameter.numel() and float(parameter.std()) < 0.1:
                    parameter.copy_(torch.randn_like(parameter) * 0.2)
    return model
