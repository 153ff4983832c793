"""A generated text as markdown, with its speed and where it differs from the first model's."""

from __future__ import annotations

import re

from paretoscope.inference.side_by_side import Generated

STOPPED, COMPLETE, SAME = "stopped", "complete", "same text as the first model"


def plain(text: str) -> str:
    r"""Markdown that shows exactly `text`: generated markup is never interpreted.

    >>> plain("# 1 < 2\n*so* $x$")
    '\\# 1 \\< 2  \n\\*so\\* \\$x\\$'
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text).replace("\n", "  \n")


def marked(text: str, at: int) -> str:
    r"""Markdown of `text` with a highlighted word at `at`.

    >>> marked("It is so.", 3)
    'It :orange-background[is] so\\.'
    """
    word = re.match(r"\s*\S+", text[at:])
    end = at + (word.end() if word else 0)
    return f"{plain(text[:at])}:orange-background[{plain(text[at:end])}]{plain(text[end:])}"


def speed(found: Generated) -> list[str]:
    """Number of tokens, time to first token, and tokens per second."""
    notes = [f"{len(found.ids)} tokens", f"first after {found.seconds[0] * 1000:.0f} ms"]
    return notes + ([f"{found.tokens_per_s:.1f} tokens/s"] if found.tokens_per_s else [])


def difference(at: int | None) -> str:
    """Where a text first differs from the first model's; None where it does not."""
    return SAME if at is None else f"differs from the first model after {at} characters"


def end(found: Generated, length: int) -> str:
    """How a text ended that may have `length` tokens."""
    if not found.ended:
        return STOPPED
    return f"stopped at {length} tokens" if len(found.ids) >= length else COMPLETE
