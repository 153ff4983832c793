"""Vocabulary pruning: exact rows, the same words as before, nothing unknown, and files that the
library reads as meant.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from paretoscope.errors import ModelError, RecipeError
from paretoscope.models.checkpoint import load_model, save_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import embedding
from paretoscope.pruning.structure import apply
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.recipes.stages import PruneStructure
from paretoscope.sources.tokenizer_file import Vocabulary
from paretoscope.tasks.tokens import encode
from tests.tiny.context import Recorder, logits_of, tensors_of, tiny_model
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny
from tests.tiny.tokenizers import TEXTS


def context_of(folder: Path, texts: tuple[str, ...] = TEXTS) -> StageContext:
    """The context of a tiny model: texts in tokens of whatever tokenizer it holds now."""
    context = Recorder().context()
    context.tokenizer = (folder / "tokenizer.json").read_text()

    def encoded(name: str) -> EncodedSplit:
        ids = encode(context.tokenizer, texts, 64)
        return EncodedSplit(ids, np.arange(len(ids)) % 2, f"{name}-{len(context.tokenizer)}")

    context.encoded = encoded
    return context


def logits_on(model: PreTrainedModel, ids: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.from_numpy(ids)[None]).logits


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_are_exact_and_texts_of_kept_tokens_give_the_same_logits(
    tmp_path: Path, family: str
) -> None:
    folder = make_tiny(family, tmp_path / family)
    model, context = load_model(folder), context_of(folder)
    rows = model.config.vocab_size
    before = {
        text: logits_on(model, ids)
        for text, ids in zip(TEXTS, context.encoded("train").ids, strict=True)
    }
    required = len(Vocabulary(context.tokenizer).required(model.config.to_dict()))
    stay = required + (rows - required) // 3
    stage = PruneStructure(target="vocabulary", ratio=1 - stay / rows)
    model = apply(stage, model, context)
    kept = stage.kept(rows)
    assert (
        embedding(model, anatomy(model).embeddings).weight.shape[0]
        == model.config.vocab_size
        == kept
        == stay
    )
    tokenizer = Tokenizer.from_str(context.tokenizer)
    assert tokenizer.get_vocab_size() == kept
    assert model.config.pad_token_id == tokenizer.token_to_id(
        "<pad>" if family == "roberta" else "[PAD]"
    )
    same = 0
    for text, ids in zip(TEXTS, context.encoded("train").ids, strict=True):
        old = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text)
        if old.tokens == tokenizer.encode(text).tokens:
            torch.testing.assert_close(logits_on(model, ids), before[text])
            same += 1
    assert same
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "tokenizer.json").write_text(context.tokenizer)
    save_model(model, tmp_path / "saved", tmp_path / "saved" / "tokenizer.json")
    assert torch.equal(logits_on(load_model(tmp_path / "saved"), ids), logits_on(model, ids))


def test_a_ratio_of_0_is_the_identity(tmp_path: Path) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    model, context = load_model(folder), context_of(folder)
    before, text = tensors_of(model), context.tokenizer
    apply(PruneStructure(target="vocabulary", ratio=0), model, context)
    assert context.tokenizer == text
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_rows_without_an_entry_go_first(tmp_path: Path) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    model, context = load_model(folder), context_of(folder)
    rows = model.config.vocab_size
    model.resize_token_embeddings(rows + 10)
    text = context.tokenizer
    apply(PruneStructure(target="vocabulary", ratio=4 / (rows + 10)), model, context)
    assert model.config.vocab_size == rows + 6
    assert json.loads(context.tokenizer) == json.loads(text)


def test_retraining_sees_the_new_tokens(tmp_path: Path) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    outcomes = []
    for _ in range(2):
        model, context = load_model(folder), context_of(folder)
        stage = PruneStructure(
            target="vocabulary", ratio=0.05, retrain_epochs=1, learning_rate=1e-3
        )
        outcomes.append(logits_of(apply(stage, model, context)))
    plain, context = load_model(folder), context_of(folder)
    apply(PruneStructure(target="vocabulary", ratio=0.05), plain, context)
    assert torch.equal(*outcomes)
    assert not torch.equal(outcomes[0], logits_of(plain))


def test_too_high_a_ratio_is_refused_with_the_highest_possible(tmp_path: Path) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    with pytest.raises(
        RecipeError, match=r"of 165 entries, but \d+ .*; set ratio to at most 0\.\d+\."
    ):
        apply(
            PruneStructure(target="vocabulary", ratio=0.9), load_model(folder), context_of(folder)
        )


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = make_tiny("roberta", tmp_path / "model")
    model = tiny_model(tmp_path / "bert")
    context = context_of(folder, ("a",))
    with pytest.raises(ModelError, match=r"ids up to .* but the embedding has"):
        apply(PruneStructure(target="vocabulary", ratio=0.1), model, context)
