"""What a stage of a recipe can change on a machine: the size of the file, its speed, and why."""

from __future__ import annotations

from typing import NamedTuple


class Effect(NamedTuple):
    """Whether size and speed can change, in one or two sentences."""

    size: bool
    speed: bool
    text: str


def no_effect(text: str) -> Effect:
    return Effect(False, False, text)
