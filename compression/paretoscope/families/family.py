"""What the product knows of model families."""

from __future__ import annotations

from typing import Literal

Architecture = Literal["classifier", "decoder"]
"""What kind of model it is, and which kind a task is for: texts with labels are for classifiers,
prose is for decoders.
"""
