"""Explore: the recommended model under limits, the trade-off plots and the table of all models."""

from __future__ import annotations

from paretoscope.dashboard.explore import actions, view
from paretoscope.dashboard.shell import header, layout, scope

layout.guard("explore")
here = scope.current()

header.draw(here, lambda: actions.draw(here))
view.draw(here)
