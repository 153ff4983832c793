"""Compress: a recipe form with estimates, and the run of the recipe."""

from __future__ import annotations

from paretoscope.dashboard.compress import own_model_and_data, workbench
from paretoscope.dashboard.shell import header, layout, scope

layout.guard("compress")
here = scope.current()

header.draw(here, lambda: own_model_and_data.draw(here))
workbench.draw(here)
