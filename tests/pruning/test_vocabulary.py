"""Vocabulary pruning: exact rows, the same words as before, nothing unknown, and files that the
library reads as meant.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedModel

from paretoscope.errors import ModelError, RecipeError
from paretoscope.measure.coverage import coverage
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

TEXTS = (
    "who wrote the play about the prince of denmark and when was it first played",
    "what is the longest river of the country where the players live",
    "how many playgrounds are there in the city, and who is playing there?",
    "where does the longest-lived player of the city live now",
    "when did the prince play in the longest game of the year 1984",
    "denmark 1984",
)
OTHER = (
    "who plays the prince",
    "a zebra quizzed xylophone players 27 times",
    "where is the river of denmark",
)


def word_pieces() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    alphabet = list("abcdefghijklmnopqrstuvwxyz0123456789,?-")
    trainer = trainers.WordPieceTrainer(
        vocab_size=260, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([*TEXTS, "".join(alphabet)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 3), ("[SEP]", 4)]
    )
    return tokenizer


def byte_pairs() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=460, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer.add_special_tokens(["<mask>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = list("▁abcdefghijklmnopqrstuvwxyz0123456789,?-")
    trainer = trainers.UnigramTrainer(
        vocab_size=120,
        special_tokens=special,
        unk_token="<unk>",
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator([*TEXTS, *alphabet], trainer)
    tokenizer.add_special_tokens(["<mask>"])
    ends = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.post_processor = processors.Sequence([ends])
    return tokenizer


KINDS = {"WordPiece": word_pieces, "BPE": byte_pairs, "Unigram": unigram}


@pytest.fixture(params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return KINDS[request.param]()


def counts_of(tokenizer: Tokenizer, texts: tuple[str, ...] = TEXTS) -> list[int]:
    ids = np.concatenate([encoding.ids for encoding in tokenizer.encode_batch(list(texts))])
    return np.bincount(ids, minlength=tokenizer.get_vocab_size()).tolist()


def cut(tokenizer: Tokenizer, count: int, texts: tuple[str, ...] = TEXTS) -> Tokenizer:
    """The tokenizer with `count` entries."""
    vocabulary = Vocabulary(tokenizer.to_str())
    required = vocabulary.required({"vocab_size": tokenizer.get_vocab_size()})
    others = [
        number
        for number in vocabulary.ranked(counts_of(tokenizer, texts))
        if number not in required
    ]
    return Tokenizer.from_str(vocabulary.only([*required, *others][:count]))


def room(tokenizer: Tokenizer) -> range:
    """Every number of entries from the fewest possible to all of them."""
    fewest = len(
        Vocabulary(tokenizer.to_str()).required({"vocab_size": tokenizer.get_vocab_size()})
    )
    assert fewest < tokenizer.get_vocab_size() - 20
    return range(fewest, tokenizer.get_vocab_size() + 1)


# --- the tokenizer --------------------------------------------------------------------------------


def test_all_entries_are_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    whole, own = (
        json.loads(cut(tokenizer, tokenizer.get_vocab_size()).to_str()),
        json.loads(tokenizer.to_str()),
    )
    if own["model"]["type"] == "Unigram":  # the library reads scores to the last bit but one
        scores = [dict(content["model"].pop("vocab")) for content in (whole, own)]
        assert scores[0] == pytest.approx(scores[1], rel=1e-12)
    assert whole == own


def test_words_whose_tokens_stay_are_tokenized_as_before_at_every_size(
    tokenizer: Tokenizer,
) -> None:
    for count in room(tokenizer):
        smaller = cut(tokenizer, count)
        assert smaller.get_vocab_size() == count
        stay = smaller.get_vocab()
        for word in " ".join((*TEXTS, *OTHER)).split():
            before = tokenizer.encode(word).tokens
            if all(piece in stay for piece in before):
                assert smaller.encode(word).tokens == before, (count, word)


def test_no_word_is_lost_and_special_tokens_are_renumbered(tokenizer: Tokenizer) -> None:
    unknown = Vocabulary(tokenizer.to_str()).unknown
    for count in (room(tokenizer)[0], room(tokenizer)[10]):
        smaller = cut(tokenizer, count)
        for text in (*TEXTS, *OTHER):
            encoding, before = smaller.encode(text), tokenizer.encode(text)
            assert unknown not in encoding.tokens[1:-1]
            assert (encoding.tokens[0], encoding.tokens[-1]) == (
                before.tokens[0],
                before.tokens[-1],
            )
            assert [smaller.id_to_token(number) for number in encoding.ids] == encoding.tokens
        for special, number in smaller.get_vocab().items():
            assert smaller.token_to_id(special) == number < count


def test_the_most_used_entries_stay_first() -> None:
    tokenizer = word_pieces()
    vocabulary = Vocabulary(tokenizer.to_str())
    counts = counts_of(tokenizer)
    ranked = vocabulary.ranked(counts)
    uses = [counts[number] for number in ranked]
    assert uses == sorted(uses, reverse=True)
    assert ranked[-1] == tokenizer.token_to_id("[unused0]")


def test_a_merge_counts_for_its_parts() -> None:
    content = {
        "model": {
            "type": "BPE",
            "vocab": {"a": 0, "b": 1, "abc": 2, "c": 3, "ab": 4},
            "merges": ["a b", "ab c"],
        }
    }
    vocabulary = Vocabulary(json.dumps(content))
    assert vocabulary.ranked([0, 0, 5, 0, 1]) == [
        0,
        1,
        4,
        3,
        2,
    ]  # "ab" is used six times, five of them inside "abc"
    assert vocabulary.required({}) == {0, 1, 3}
    assert json.loads(vocabulary.only([0, 1, 3, 4]))["model"] == {
        "type": "BPE",
        "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3},
        "merges": ["a b"],
    }


def test_ids_up_to_padding_and_those_of_the_config_stay() -> None:
    content = {
        "model": {
            "type": "WordPiece",
            "unk_token": "u",
            "vocab": {word: number for number, word in enumerate(("w0", "w1", "p", "u", "w4"))},
        }
    }
    required = Vocabulary(json.dumps(content)).required(
        {
            "vocab_size": 5,
            "pad_token_id": 2,
            "eos_token_id": 4,
            "bos_token_id": None,
            "x_token_id": 9,
        }
    )
    assert required == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"model": 1}', '{"model": {"type": "WordLevel", "vocab": {"a": 0}}}']
)
def test_a_tokenizer_that_cannot_be_cut_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(
        ModelError, match=r"is not a tokenizer\.json|\"WordLevel\" tokenizer cannot be pruned"
    ):
        Vocabulary(text)


def test_bytes_of_the_file_lie_within_their_bounds(tokenizer: Tokenizer) -> None:
    vocabulary = Vocabulary(tokenizer.to_str())
    required = vocabulary.required({"vocab_size": tokenizer.get_vocab_size()})
    for count in room(tokenizer):
        least, likely, most = vocabulary.file_bytes(count, required)
        assert least <= likely <= most
        others = [
            number for number in vocabulary.ranked(counts_of(tokenizer)) if number not in required
        ]
        size = len(vocabulary.only([*required, *others][:count]).encode())
        slack = 8  # the digits of ids elsewhere than in the vocabulary
        assert least - slack <= size <= most + slack
    assert most == len(tokenizer.to_str().encode())


# --- coverage -------------------------------------------------------------------------------------


def test_coverage_counts_words_tokens_and_growth() -> None:
    words = {
        word: number
        for number, word in enumerate(
            ["[UNK]", "a", "b", "c", "##a", "##b", "##c", "ab", "abc", "##bc"]
        )
    }

    def wordpiece(vocabulary: dict[str, int]) -> Tokenizer:
        made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        return made

    old = wordpiece(words)
    new = wordpiece(
        {
            word: number
            for number, word in enumerate(word for word in words if word not in ("abc", "##c"))
        }
    )
    found = coverage(old.to_str(), new.to_str(), ["abc ab", "abc cbc a z"])
    # The old one makes abc, ab; abc, c ##bc, a, [UNK]: 7 tokens of 6 words. The new one finds no
    # rest after the ab of abc.
    assert (found.entries, found.entries_before, found.texts) == (8, 10, 2)
    assert found.words == pytest.approx(4 / 6)
    assert found.tokens == pytest.approx(5 / 7)
    assert (found.unknown, found.unknown_before) == (pytest.approx(3 / 7), pytest.approx(1 / 7))
    assert found.growth == 0
    assert coverage(old.to_str(), old.to_str(), ["abc ab"]).words == 1


# --- the stage ------------------------------------------------------------------------------------


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
