"""Compress: a recipe form with estimates, and the run of the recipe."""

from __future__ import annotations

from paretoscope.dashboard.compress import own_model_and_data, workbench
from paretoscope.dashboard.shell import header, layout, scope, share

layout.guard("compress")
here = scope.current()


def _actions() -> None:
    own_model_and_data.draw(here)
    share.button()


header.draw(here, _actions)
workbench.draw(here)
