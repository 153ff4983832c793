"""Library: bring a model and data, and see, use and delete what the workspace has."""

from __future__ import annotations

from paretoscope.dashboard.library import bring, data_cards, model_cards, space_panel, trash_panel
from paretoscope.dashboard.shell import header, layout, scope

layout.guard("library")
here = scope.current()

header.draw(here, title="Library")
trash_panel.undo()
bring.draw(here)
model_cards.draw(here)
data_cards.draw(here)
space_panel.draw()
trash_panel.draw()
