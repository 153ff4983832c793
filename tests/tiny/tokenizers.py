"""Small trained-looking tokenizers of three kinds, and a pruned copy of one."""

from __future__ import annotations

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from paretoscope.sources.tokenizer_file import Vocabulary

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
