"""The checked request for a recipe on the model and data of the scope."""

from __future__ import annotations

from paretoscope import catalog
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.request import Conditions, Protocol, TrialRequest


def request(
    scope: Scope, recipe: Recipe, protocol: Protocol, conditions: Conditions
) -> TrialRequest:
    """The request; unlabelled texts are part of it only if the recipe trains on them.

    Raises:
        ParetoscopeError: model, data and recipe do not fit each other.
    """
    more = {} if recipe.learns_from_unlabelled else {"unlabelled": None}
    return catalog.request(
        scope.model,
        recipe,
        task=scope.task,
        protocol=protocol,
        conditions=conditions,
        options=scope.options.model_copy(update=more),
    )
