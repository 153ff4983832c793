"""Several language models writing on from one prompt, a token each in turn, and where their texts
part.

How one model makes its next token is `inference/generate.py`'s; this file takes whatever writes so.
In turn, so that on a few cores each has the machine to itself while it computes, and the time of a
token is its own.

    >>> from types import SimpleNamespace
    >>> def echo(*ids):
    ...     return iter([SimpleNamespace(id=id, seconds=0.01) for id in ids])
    >>> written = {"a": Written(), "b": Written()}
    >>> list(interleaved({"a": echo(1, 2, 3), "b": echo(1)}, written))
    ['a', 'b', 'a', 'b', 'a', 'a']
    >>> written["a"].ids, written["a"].tokens_per_s, written["b"].ended
    ([1, 2, 3], 100.0, True)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Token(Protocol):
    """A token, and the seconds that it took; those of the first include reading the prompt."""

    @property
    def id(self) -> int: ...

    @property
    def seconds(self) -> float: ...


class Writer(Protocol):
    """An open language model, such as `generate.Decoder`."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def chat_prompt(self, text: str) -> str: ...

    def stream(
        self,
        prompt: Sequence[int],
        *,
        max_new_tokens: int,
        temperature: float,
        top_p: float,
        seed: int,
    ) -> Iterator[Token]: ...


@dataclass
class Written:
    """What one model has written so far, and the seconds of each token."""

    ids: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    ended: bool = False
    """Whether there is nothing to come: the model has ended its text, or its room is used up."""

    @property
    def tokens_per_s(self) -> float | None:
        """The pace after the first token; None before the second."""
        return (len(self.seconds) - 1) / sum(self.seconds[1:]) if len(self.seconds) > 1 else None


def interleaved(
    streams: Mapping[str, Iterator[Token]], written: Mapping[str, Written]
) -> Iterator[str]:
    """Take one token of each stream after the other until all have ended; yields whose `written`
    has just grown or ended.
    """
    going = dict(streams)
    while going:
        for id, stream in list(going.items()):
            token = next(stream, None)
            if token is None:
                del going[id]
                written[id].ended = True
                yield id
                continue
            written[id].ids.append(token.id)
            written[id].seconds.append(token.seconds)
            yield id


def first_difference(text: str, reference: str) -> int | None:
    """Where `text` begins to say something else than `reference`, at the start of a word; None
    while one merely goes on.

    >>> first_difference("Paris is big", "Paris is bad"), first_difference("Paris is", "Paris is bad"), first_difference("Rome", "Paris")
    (9, None, 0)
    """
    at = next(
        (
            place
            for place, (one, other) in enumerate(zip(text, reference, strict=False))
            if one != other
        ),
        None,
    )
    return at if at is None else 1 + max(text.rfind(" ", 0, at), text.rfind("\n", 0, at))
