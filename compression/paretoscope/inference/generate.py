"""Generates text with a decoder's artefact: the prompt in one run, then one token per run.

Measuring, the playground and the tests generate with this loop, so the measured speed is that of
the shown text. It needs ONNX Runtime, numpy and tokenizers, never torch. The key-value cache is one
buffer of the maximum length that the runtime extends in place; otherwise every step would copy all
keys and values. The artefact's own `run.py` is a stand-alone short form.

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
from numpy.typing import NDArray
from tokenizers import Tokenizer

from paretoscope.errors import ArtifactError
from paretoscope.inference.graph_io import GENAI, MODEL, cache_bytes, empty, is_past, present_of
from paretoscope.inference.sampling import Logits, Sampler, Sampling
from paretoscope.inference.session import on_cpu, open_session

CHATML = "<|im_start|>"
"""A chat template with this marker is ChatML, the only chat format supported here; other models
get the plain text.
"""
Ids = NDArray[np.int64]
Choose = Callable[[Logits], NDArray[np.integer]]
"""From logits [batch, vocabulary] to tokens [batch]."""


@dataclass(frozen=True)
class Token:
    """A generated token, and the seconds since the call or since the previous token."""

    id: int
    seconds: float


def greedy(logits: Logits) -> NDArray[np.integer]:
    return logits.argmax(axis=-1)


@dataclass(frozen=True)
class Decoder:
    """An open artefact.

    `context` is the maximum number of tokens of prompt and answer together; `ends` are the tokens
    that end an answer.
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
        sampling: Sampling | None = None,
        past_ends: bool = False,
    ) -> Iterator[Token]:
        """Tokens after `prompt`, until an end token, `max_new_tokens` or the end of the context.

        The default is greedy decoding. The end token is not yielded; with `past_ends` it is, and
        generation goes on, as timing needs it. Raises `ArtifactError` for a prompt that is empty or
        fills the context.
        """
        if not len(prompt):
            raise ArtifactError("The prompt has no tokens; write at least one word.")
        if len(prompt) >= self.context:
            raise ArtifactError(
                f"The prompt has {len(prompt):,} tokens, but the model reads at most"
                f" {self.context - 1:,}; shorten it."
            )
        sampler = Sampler(sampling or Sampling())
        ids = np.asarray(prompt, dtype=np.int64)[None]
        steps = self.steps(ids, max_new_tokens, lambda logits: np.array([sampler(logits[0])]))
        return self._until_end(steps, past_ends)

    def _until_end(
        self, steps: Iterator[tuple[NDArray[np.integer], float]], past_ends: bool
    ) -> Iterator[Token]:
        for tokens, seconds in steps:
            if tokens[0] in self.ends and not past_ends:
                return
            yield Token(int(tokens[0]), seconds)

    def steps(
        self, ids: Ids, max_new_tokens: int, choose: Choose = greedy
    ) -> Iterator[tuple[NDArray[np.integer], float]]:
        """(next token of each row, seconds of the step), past every end token.

        `ids` are prompts of one length [batch, tokens].
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

    def _bound(self, batch: int, room: int) -> tuple[Any, NDArray[np.float32]]:
        """(binding, logits): one buffer of `room` tokens is input and output of each cache.

        Every run writes its logits into the returned array.
        """
        binding = self.session.io_binding()
        for entry in self.session.get_inputs():
            if is_past(entry):
                buffer = on_cpu(empty(entry, batch, room))
                binding.bind_ortvalue_input(entry.name, buffer)
                binding.bind_ortvalue_output(present_of(entry.name), buffer)
        shapes = {entry.name: entry.shape for entry in self.session.get_outputs()}
        logits = np.empty((batch, 1, shapes["logits"][-1]), dtype=np.float32)
        binding.bind_ortvalue_output("logits", on_cpu(logits))
        return binding, logits

    def cache_bytes(self, tokens: int) -> int:
        """Bytes of the key-value cache for this many tokens."""
        return cache_bytes(self.session.get_inputs(), tokens)

    @cached_property
    def tokenizer(self) -> Any:
        return Tokenizer.from_file(str(self.folder / "tokenizer.json"))

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without a chat template."""
        return self.tokenizer.encode(text).ids

    def decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids))

    def chat_prompt(self, text: str) -> str:
        """A user message in the model's chat format; the text itself for a model without one."""
        path = self.folder / "tokenizer_config.json"
        template = ""
        if path.is_file():
            template = json.loads(path.read_text(encoding="utf-8")).get("chat_template", "")
        if CHATML not in template:
            return text
        return f"{CHATML}user\n{text}<|im_end|>\n{CHATML}assistant\n"


def open_decoder(folder: Path, threads: int = 0, *, spinning: bool = True) -> Decoder:
    """Open the artefact of a decoder; `threads` 0 leaves their number to the runtime.

    Idle threads spin by default, which is what is deployed and measured; with `spinning=False`
    several open models do not compete for the cores. Raises `ArtifactError` when the folder holds
    no decoder.
    """
    try:
        model: Any = json.loads((folder / GENAI).read_text(encoding="utf-8"))["model"]
        ends: list[int] | int = model["eos_token_id"]
        session = open_session(str(folder / MODEL), threads=threads, spinning=spinning)
    except Exception as error:  # the runtime raises many types
        reason = " ".join(str(error).split())[:200]
        raise ArtifactError(
            f'The folder "{folder}" holds no language model that can be run ({reason}); make the'
            " artefact again."
        ) from error
    return Decoder(
        folder,
        session,
        int(model["context_length"]),
        frozenset(ends if isinstance(ends, list) else [ends]),
    )
