"""Layers: bytes, time and sensitivity of every part of a model, and a recipe of mixed widths."""

from __future__ import annotations

from paretoscope.dashboard.layers import view
from paretoscope.dashboard.shell import header, layout, scope, share

layout.guard("layers")
here = scope.current()

header.draw(here, lambda: share.button(here))
view.draw(here)
