"""The one loop that continues a text with a decoder's artefact: a prompt through the graph, then a
token at a time with the cache.

Measuring, the playground and tests generate through this file, so what is timed is what is read. It
needs ONNX Runtime, numpy and tokenizers, never torch. The cache is one buffer as long as the text
may get, which the runtime extends in place; without that every step would copy all keys and values.
The artefact's own `run.py` is the stand-alone short form.

    decoder = open_decoder(folder, threads=2)
    for token in decoder.stream(decoder.encode("The capital of France is"), max_new_tokens=20):
        print(decoder.decode([token.id]), end="")
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from paretoscope.errors import ArtifactError
from paretoscope.inference.graph_io import GENAI, MODEL, cache_bytes, empty, is_past, present_of

CHATML = "<|im_start|>"
"""A template with this marker is ChatML, the one form of chat that is written here; any other model
gets the plain text.
"""


@dataclass(frozen=True)
class Token:
    """A token that was generated, and the seconds from the call (or from the token before) until it
    was known.
    """

    id: int
    seconds: float


Choose = Callable[[np.ndarray], np.ndarray]
"""From logits [batch, vocabulary] to tokens [batch]."""


def likeliest_of_each(logits: np.ndarray) -> np.ndarray:
    return logits.argmax(axis=-1)


@dataclass(frozen=True)
class Decoder:
    """An open artefact. `context` is the most tokens of prompt and answer together; `ends` are the
    tokens that end an answer.
    """

    folder: Path
    session: Any
    context: int
    ends: frozenset[int]

    def stream(
        self,
        prompt: Sequence[int],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        past_ends: bool = False,
    ) -> Iterator[Token]:
        """Tokens after `prompt` until one of `ends`, which is not among them, or until
        `max_new_tokens` or the context are used up.

        `temperature` 0 takes the likeliest token; above, a token is drawn from the `top_k`
        likeliest (0 for all) that make up `top_p` of the probability, the same ones for the same
        `seed`. With `past_ends` an end is a token like any other, as timing needs it. Raises
        `ArtifactError` for a prompt that is empty or leaves no room for an answer.
        """
        if not len(prompt):
            raise ArtifactError("The prompt has no tokens; write at least a word.")
        if len(prompt) >= self.context:
            raise ArtifactError(
                f"The prompt has {len(prompt):,} tokens, but the model reads at most"
                f" {self.context - 1:,}; shorten it."
            )
        choose = Sampler(temperature, top_k, top_p, seed)
        return self._stream(
            np.asarray(prompt, dtype=np.int64)[None], max_new_tokens, choose, past_ends
        )

    def _stream(
        self, ids: np.ndarray, max_new_tokens: int, choose: Sampler, past_ends: bool
    ) -> Iterator[Token]:
        for tokens, seconds in self.steps(
            ids, max_new_tokens, lambda logits: np.array([choose(logits[0])])
        ):
            if tokens[0] in self.ends and not past_ends:
                return
            yield Token(int(tokens[0]), seconds)

    def steps(
        self, ids: np.ndarray, max_new_tokens: int, choose: Choose = likeliest_of_each
    ) -> Iterator[tuple[np.ndarray, float]]:
        """The next token of each row of prompts [batch, tokens] of one length, step by step past
        every end, and the seconds of the step.
        """
        started = time.perf_counter()
        room = min(self.context, ids.shape[1] + max_new_tokens)
        binding, logits = self._bound(len(ids), room)
        total = 0
        while total + ids.shape[1] < room:
            total += ids.shape[1]
            binding.bind_cpu_input("input_ids", ids)
            binding.bind_cpu_input("attention_mask", np.ones((len(ids), total), dtype=np.int64))
            self.session.run_with_iobinding(binding)
            tokens = choose(logits[:, -1])
            yield tokens, time.perf_counter() - started
            started = time.perf_counter()
            ids = tokens[:, None].astype(np.int64)

    def _bound(self, batch: int, room: int) -> tuple[Any, np.ndarray]:
        """Input and output of every cache in one buffer of `room` tokens, and the array in which
        every run leaves its logits.
        """
        binding = self.session.io_binding()
        for entry in self.session.get_inputs():
            if is_past(entry):
                buffer = onnxruntime.OrtValue.ortvalue_from_numpy(empty(entry, batch, room))
                binding.bind_ortvalue_input(entry.name, buffer)
                binding.bind_ortvalue_output(present_of(entry.name), buffer)
        vocabulary = next(
            entry.shape[-1] for entry in self.session.get_outputs() if entry.name == "logits"
        )
        logits = np.empty((batch, 1, vocabulary), dtype=np.float32)
        binding.bind_ortvalue_output("logits", onnxruntime.OrtValue.ortvalue_from_numpy(logits))
        return binding, logits

    def cache_bytes(self, tokens: int) -> int:
        """Bytes of the cache of so many tokens."""
        return cache_bytes(self.session.get_inputs(), tokens)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(str(self.folder / "tokenizer.json"))

    def encode(self, text: str) -> list[int]:
        """Token ids of a text as it stands."""
        return self.tokenizer.encode(text).ids

    def decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids))

    def chat_prompt(self, text: str) -> str:
        """What a person says, in the form that a chat model was trained on; the text itself for any
        other model.
        """
        path = self.folder / "tokenizer_config.json"
        template = (
            json.loads(path.read_text(encoding="utf-8")).get("chat_template", "")
            if path.is_file()
            else ""
        )
        return (
            f"{CHATML}user\n{text}<|im_end|>\n{CHATML}assistant\n" if CHATML in template else text
        )


@dataclass
class Sampler:
    """Chooses a token from logits [vocabulary]."""

    temperature: float
    top_k: int
    top_p: float
    seed: int

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)

    def __call__(self, logits: np.ndarray) -> int:
        if self.temperature <= 0:
            return int(logits.argmax())
        order, shares = likeliest(
            logits.astype(np.float64) / self.temperature, self.top_k, self.top_p
        )
        return int(
            order[
                np.searchsorted(
                    shares.cumsum(), self._random.random() * shares.sum(), side="right"
                ).clip(max=len(order) - 1)
            ]
        )


def likeliest(logits: np.ndarray, top_k: int, top_p: float) -> tuple[np.ndarray, np.ndarray]:
    """The tokens that may be drawn, likeliest first, and their probabilities.

    The last one is the first at which the sum reaches `top_p`.

    >>> order, shares = likeliest(np.log([0.2, 0.5, 0.3]), top_k=0, top_p=0.6)
    >>> order.tolist(), shares.round(2).tolist()
    ([1, 2], [0.5, 0.3])
    """
    order = np.argsort(-logits, kind="stable")[: top_k or None]
    shares = np.exp(logits[order] - logits[order[0]])
    shares /= shares.sum()
    count = int(np.searchsorted(shares.cumsum(), top_p)) + 1
    return order[:count], shares[:count]


def open_decoder(folder: Path, threads: int = 0, *, spinning: bool = True) -> Decoder:
    """Open an artefact's folder; `threads` 0 leaves their number to the runtime.

    Threads that spin while they wait are what people run, and what is timed; without `spinning`
    several open models do not take the processor from each other. Raises `ArtifactError` when it is
    not a decoder's.
    """
    try:
        model = json.loads((folder / GENAI).read_text(encoding="utf-8"))["model"]
        ends = model["eos_token_id"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        options.add_session_config_entry(
            "session.intra_op.allow_spinning", "1" if spinning else "0"
        )
        session: Any = onnxruntime.InferenceSession(
            str(folder / MODEL), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime raises many types
        reason = " ".join(str(error).split())[:200]
        raise ArtifactError(
            f'The folder "{folder}" holds no language model that runs ({reason}); make the artefact'
            " again."
        ) from error
    return Decoder(
        folder,
        session,
        int(model["context_length"]),
        frozenset(ends if isinstance(ends, list) else [ends]),
    )
