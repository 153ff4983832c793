"""Accuracy of a decoder on questions with several continuations: the one whose tokens are likeliest
on average is its answer.

The mean over tokens, for a sum would favour short continuations. Questions are made by
`tasks/prose.py`; that every continuation has a score makes these the logits of a classifier, so
`quality.py` says what they come to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoscope.errors import ArtifactError
from paretoscope.inference.graph_io import SCORE
from paretoscope.measure.process import ask_choices, model_file
from paretoscope.tasks.prose import Question
from paretoscope.tasks.tokens import encode
from paretoscope.trials.trial import Protocol

ASKED: dict[Protocol, int | None] = {"quick": 60, "standard": None}
"""How many questions of the split are asked; None is all."""

Ids = NDArray[np.int64]


class EncodedQuestion(NamedTuple):
    context: Ids
    choices: tuple[Ids, ...]


def encode_questions(tokenizer_json: str, questions: Sequence[Question]) -> list[EncodedQuestion]:
    """Each continuation is encoded with its context, as it would stand in a text; the tokens that
    all have in common are the context.
    """
    plain = encode(tokenizer_json, [question.context for question in questions], None)
    whole = iter(
        encode(
            tokenizer_json,
            [
                f"{question.context} {choice}"
                for question in questions
                for choice in question.choices
            ],
            None,
        )
    )
    found: list[EncodedQuestion] = []
    for context, question in zip(plain, questions, strict=True):
        texts = [next(whole) for _ in question.choices]
        shared = max(1, min(_shared(context, text) for text in texts))
        found.append(EncodedQuestion(texts[0][:shared], tuple(text[shared:] for text in texts)))
    return found


def _shared(one: Ids, other: Ids) -> int:
    """How many tokens two texts begin with in common, the last of the longer one apart: something
    has to be left to score.
    """
    length = min(len(one), len(other) - 1)
    different = np.flatnonzero(one[:length] != other[:length])
    return int(different[0]) if len(different) else length


def score_choices(
    folder: Path, questions: Sequence[EncodedQuestion], *, threads: int
) -> NDArray[np.float32]:
    """Mean log-probability of the tokens of each continuation [questions, choices], in a fresh
    process without torch.

    Raises `ArtifactError` when the model cannot be loaded or run, or gives logits that are not
    numbers.
    """
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as work:
        inputs, outputs = Path(work) / "inputs.npz", Path(work) / "scores.npy"
        np.savez(
            inputs,
            contexts=np.concatenate([question.context for question in questions]),
            context_lengths=np.array([len(question.context) for question in questions]),
            choices=np.concatenate(
                [choice for question in questions for choice in question.choices]
            ),
            choice_lengths=np.array(
                [[len(choice) for choice in question.choices] for question in questions]
            ),
        )
        ask_choices(
            {
                "mode": "choices",
                "model": str(model_file(folder, SCORE)),
                "threads": threads,
                "inputs": str(inputs),
                "outputs": str(outputs),
            }
        )
        scores: NDArray[np.float32] = np.load(outputs)
    if broken := int((~np.isfinite(scores)).any(axis=1).sum()):
        raise ArtifactError(
            f'The model in "{folder}" gives logits that are not numbers for {broken} of'
            f" {len(scores)} questions: compress it less, or otherwise."
        )
    return scores
