"""The request that the page would queue, and why it cannot be queued."""

from __future__ import annotations

from typing import NamedTuple

from paretoscope import catalog
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import Scope, default_conditions
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import TrialRow
from paretoscope.trials.request import Conditions, Protocol, TrialRequest


class Wanted(NamedTuple):
    """A recipe of the form; `problem` says why it cannot run, then there may be no request."""

    recipe: Recipe | None
    request: TrialRequest | None
    problem: str = ""

    @property
    def trial(self) -> TrialRow | None:
        """The trial of this request in the workspace, in whatever state."""
        if self.request is None:
            return None
        return next(iter(data.trials([self.request.trial_id])), None)


def wanted(scope: Scope, recipe: Recipe, protocol: Protocol, conditions: Conditions) -> Wanted:
    """The checked request for a recipe, or its error.

    Unlabelled texts are part of it only if the recipe trains on them.
    """
    more = {} if recipe.learns_from_unlabelled else {"unlabelled": None}
    try:
        request = catalog.request(
            scope.model,
            recipe,
            task=scope.task,
            protocol=protocol,
            conditions=conditions,
            options=scope.options.model_copy(update=more),
        )
    except ParetoscopeError as error:
        return Wanted(recipe, None, str(error))
    return Wanted(recipe, request)


def usual_conditions(scope: Scope) -> Conditions:
    """Those of the scope on this machine, else the usual ones of the model."""
    return scope.conditions if scope.here else default_conditions(scope.model)
