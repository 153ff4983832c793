"""Compress: a recipe form with estimates, and the run of the recipe."""

from __future__ import annotations

from paretoscope.dashboard.compress import workbench
from paretoscope.dashboard.shell import header, layout, scope

layout.guard("compress")
here = scope.current()

header.draw(here, header.bring_link)
workbench.draw(here)
