"""Compress: a recipe form with estimates, and the run of the recipe."""

from __future__ import annotations

from paretoscope.dashboard.compress import workbench
from paretoscope.dashboard.shell import header, layout, scope, share

layout.guard("compress")
here = scope.current()


def _actions() -> None:
    share.button(here)
    header.bring_link()


header.draw(here, _actions)
workbench.draw(here)
