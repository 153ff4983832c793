"""Side-by-side generation: several language models continue one prompt, token by token in turn.

In turn, because on few cores each model then has the machine to itself while it computes, and the
time of a token is that of its own model. How a model generates a token is in `generate.py`; any
`Generator` will do here.

    >>> from types import SimpleNamespace
    >>> def tokens(*ids):
    ...     return iter([SimpleNamespace(id=id, seconds=0.01) for id in ids])
    >>> generated = {"a": Generated(), "b": Generated()}
    >>> list(interleaved({"a": tokens(1, 2, 3), "b": tokens(1)}, generated))
    ['a', 'b', 'a', 'b', 'a', 'a']
    >>> generated["a"].ids, generated["a"].tokens_per_s, generated["b"].ended
    ([1, 2, 3], 100.0, True)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from paretoscope.inference.sampling import Sampling


class Token(Protocol):
    """A token and its seconds; those of the first token include reading the prompt."""

    @property
    def id(self) -> int: ...

    @property
    def seconds(self) -> float: ...


class Generator(Protocol):
    """An open language model, such as `generate.Decoder`."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def chat_prompt(self, text: str) -> str: ...

    def stream(
        self, prompt: Sequence[int], *, max_new_tokens: int, sampling: Sampling
    ) -> Iterator[Token]: ...


@dataclass
class Generated:
    """The tokens that one model has generated so far, and the seconds of each."""

    ids: list[int] = field(default_factory=list[int])
    seconds: list[float] = field(default_factory=list[float])
    ended: bool = False
    """Whether the model has ended its text or reached its maximum length."""

    @property
    def tokens_per_s(self) -> float | None:
        """Speed after the first token; None before the second."""
        return (len(self.seconds) - 1) / sum(self.seconds[1:]) if len(self.seconds) > 1 else None


def interleaved(
    streams: Mapping[str, Iterator[Token]], generated: Mapping[str, Generated]
) -> Iterator[str]:
    """Take one token of each stream in turn until all have ended.

    Yields the key of the stream whose entry in `generated` has grown or ended.
    """
    running = dict(streams)
    while running:
        for key, stream in list(running.items()):
            token = next(stream, None)
            if token is None:
                del running[key]
                generated[key].ended = True
            else:
                generated[key].ids.append(token.id)
                generated[key].seconds.append(token.seconds)
            yield key


def first_difference(text: str, reference: str) -> int | None:
    """Start of the first word of `text` that differs from `reference`.

    None while one text is the beginning of the other.

    >>> reference = "Paris is bad"
    >>> [first_difference(text, reference) for text in ("Paris is big", "Paris is", "Rome")]
    [9, None, 0]
    """
    pairs = enumerate(zip(text, reference, strict=False))
    at = next((index for index, (one, other) in pairs if one != other), None)
    return at if at is None else 1 + max(text.rfind(" ", 0, at), text.rfind("\n", 0, at))
