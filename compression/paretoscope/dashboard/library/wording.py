"""Sizes, counts and errors in the words of the library page."""

from __future__ import annotations

import re

from paretoscope.dashboard.shell import data


def in_bytes(size: float) -> str:
    """
    >>> in_bytes(0), in_bytes(12_345), in_bytes(91_000_000), in_bytes(4_200_000_000)
    ('0 MB', '12.3 kB', '91 MB', '4.2 GB')
    """
    if size <= 0:
        return "0 MB"
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:.0f} bytes"


def parameters(count: int) -> str:
    """
    >>> parameters(22_713_216), parameters(1_540_000_000), parameters(9_000)
    ('22.7 M parameters', '1.54 B parameters', '9,000 parameters')
    """
    for unit, name in ((1e9, "B"), (1e6, "M")):
        if count >= unit:
            return f"{count / unit:.3g} {name} parameters"
    return f"{count:,} parameters"


def counted(count: int, one: str, many: str = "") -> str:
    """
    >>> counted(1, "trial"), counted(1200, "trial"), counted(2, "copy", "copies")
    ('1 trial', '1,200 trials', '2 copies')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def without_folder(message: str) -> str:
    """A message without the path of the uploads folder, which the reader did not choose."""
    return re.sub(rf"{re.escape(str(data.workspace().uploads))}/\w+/?", "", message)
