"""Tiny random sequence classifiers of four families, as full local folders, for tests that need no
hub.

Two layers, hidden size 32, four heads of 8, a feed-forward width of 64: a whole trial on one takes
moments. The weights are random but wide (std 0.2), so that what a test changes shows in the logits.
"""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
)

FAMILIES = ("bert", "distilbert", "roberta", "electra")
WORDS = (
    "the a is was of in what who where when how many good bad film plot question city country name"
    " year free win call love".split()
)


def wordpiece() -> Tokenizer:
    """A WordPiece tokenizer as BERT, DistilBERT and ELECTRA have: letters, `##` pieces and a few
    whole words.
    """
    characters = string.ascii_lowercase + string.digits + string.punctuation
    entries = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *characters,
        *(f"##{c}" for c in characters),
        *WORDS[2:],
        "the",
    ]
    vocabulary = {entry: number for number, entry in enumerate(dict.fromkeys(entries))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ends = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return tokenizer


def byte_pairs() -> Tokenizer:
    """A byte-level BPE tokenizer as RoBERTa has: every byte and a few merges."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("i", "n"), ("w", "h"), ("Ġ", "a")]
    entries = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *alphabet, *(a + b for a, b in merges)]
    vocabulary = {entry: number for number, entry in enumerate(entries)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def _model(
    family: str, vocabulary_size: int, labels: Sequence[str], layers: int
) -> PreTrainedModel:
    names = {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
    }
    shape = {"vocab_size": vocabulary_size, "initializer_range": 0.2, **names}
    usual = {
        "hidden_size": 32,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 128,
        **shape,
    }
    match family:
        case "bert":
            return BertForSequenceClassification(BertConfig(**usual))
        case "distilbert":
            config = DistilBertConfig(
                dim=32,
                n_layers=layers,
                n_heads=4,
                hidden_dim=64,
                max_position_embeddings=128,
                **shape,
            )
            return DistilBertForSequenceClassification(config)
        case "roberta":
            config = RobertaConfig(
                **{**usual, "max_position_embeddings": 130},
                type_vocab_size=1,
                pad_token_id=1,
                bos_token_id=0,
                eos_token_id=2,
            )
            return RobertaForSequenceClassification(config)
        case "electra":
            return ElectraForSequenceClassification(ElectraConfig(embedding_size=16, **usual))
        case _:
            raise ValueError(f"family must be one of {', '.join(FAMILIES)}, but got {family}")


def make_encoder(
    family: str, folder: Path, labels: Sequence[str] = ("a", "b"), layers: int = 2
) -> Path:
    """Write a model folder (`config.json`, `model.safetensors`, `tokenizer.json`) and return it.

    The same arguments give the same weights. Texts of up to 128 tokens fit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_pairs() if family == "roberta" else wordpiece()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = _model(family, tokenizer.get_vocab_size(), labels, layers)
    model.eval().save_pretrained(folder, safe_serialization=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    mask, pad = ("<mask>", "<pad>") if family == "roberta" else ("[MASK]", "[PAD]")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "mask_token": mask,
        "pad_token": pad,
        "model_max_length": 128,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder
