"""The shape that estimates are made for."""

from __future__ import annotations

import pytest

from paretoscope.shape.shape import ModelShape
from tests.tiny.shapes import bert_shape


@pytest.fixture
def bert() -> ModelShape:
    return bert_shape()
