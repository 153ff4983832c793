"""Accuracy of a decoder on cloze questions: it chooses the most likely of several continuations.

Likelihood is the mean over tokens, because a sum would favour short continuations. Questions are
made in `tasks/prose.py`. The scores are used as the logits of a classifier, so accuracy is computed
in `quality.py`.
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
from paretoscope.trials.request import Protocol

QUESTIONS: dict[Protocol, int | None] = {"quick": 60, "standard": None}
"""How many questions of the split are scored; None is all."""

Ids = NDArray[np.int64]


class EncodedQuestion(NamedTuple):
    context: Ids
    choices: tuple[Ids, ...]


def encode_questions(tokenizer_json: str, questions: Sequence[Question]) -> list[EncodedQuestion]:
    """Encode each continuation together with its context, as in running text.

    The tokens that all continuations of a question share are its context.
    """
    contexts = encode(tokenizer_json, [question.context for question in questions], None)
    joined = [
        f"{question.context} {choice}" for question in questions for choice in question.choices
    ]
    encoded = iter(encode(tokenizer_json, joined, None))
    found: list[EncodedQuestion] = []
    for context, question in zip(contexts, questions, strict=True):
        texts = [next(encoded) for _ in question.choices]
        shared = max(1, min(_shared(context, text) for text in texts))
        found.append(EncodedQuestion(texts[0][:shared], tuple(text[shared:] for text in texts)))
    return found


def tokens(question: EncodedQuestion) -> int:
    """Tokens of a question with its longest continuation."""
    return len(question.context) + max(map(len, question.choices))


def _shared(one: Ids, other: Ids) -> int:
    """Length of the common prefix, without the last token of `other`, which is left to score."""
    length = min(len(one), len(other) - 1)
    different = np.flatnonzero(one[:length] != other[:length])
    return int(different[0]) if len(different) else length


def score_choices(
    folder: Path, questions: Sequence[EncodedQuestion], *, threads: int
) -> NDArray[np.float32]:
    """Mean log-probability of the tokens of each continuation [questions, choices].

    Runs in a new process without torch. Raises `ArtifactError` when the model cannot be loaded or
    run, or when a score is not finite.
    """
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as work:
        inputs, outputs = Path(work) / "inputs.npz", Path(work) / "scores.npy"
        choices = [choice for question in questions for choice in question.choices]
        np.savez(
            inputs,
            contexts=np.concatenate([question.context for question in questions]),
            context_lengths=np.array([len(question.context) for question in questions]),
            choices=np.concatenate(choices),
            choice_lengths=np.array([len(choice) for choice in choices]).reshape(
                len(questions), -1
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
            f'The model in "{folder}" gives logits that are not finite for {broken} of'
            f" {len(scores)} questions: compress it less, or with another method."
        )
    return scores
