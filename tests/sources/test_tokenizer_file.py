"""Vocabularies of tokenizer.json: required, pruned and renumbered entries."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer

from paretoscope.errors import ModelError
from paretoscope.sources.tokenizer_file import Vocabulary
from tests.tiny.tokenizers import KINDS, OTHER, TEXTS, counts_of, cut, room, word_pieces


@pytest.fixture(params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return KINDS[request.param]()


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
