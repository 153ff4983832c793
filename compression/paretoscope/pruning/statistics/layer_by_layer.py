"""Calibration passages on their way through a language model, one layer at a time.

So a method sees what enters a layer when all before it are pruned, as the authors of Wanda and
SparseGPT do, every layer is run twice and not once for each that follows, and the statistics of one
layer are held at a time. The states between two layers are all that is kept of the passages: 4
bytes x hidden x tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.statistics.calibration_set import batch_size, calibration
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training.batches import unpadded


class LayerByLayer:
    """Layers are to be asked for in their order, from 0."""

    def __init__(self, model: PreTrainedModel, context: StageContext) -> None:
        model.eval()
        split = calibration(model, context)
        self._model, self._layers, self._progress = (
            model,
            architecture_of(model).layers(),
            context.progress,
        )
        self._tokens = sum(map(len, split.ids))
        self._states, self._given = self._entered(split)

    @torch.no_grad()
    def moments(
        self, number: int, linears: Sequence[str], *, diagonal: bool = False, keep: bool = False
    ) -> dict[str, Tensor]:
        """X^T X / tokens of the inputs X [tokens, in] of linear modules of a layer, by name: [in,
        in], or with `diagonal` only that [in].

        Modules that read the same tensor share one result. With `keep` the layer stays as it is:
        what it gives is what the next one gets.
        """
        sums: dict[str, Tensor] = {}
        first_of: dict[str, str] = {}
        seen: list[tuple[Tensor, str]] = []

        def enter(name: str, _module: nn.Module, given: tuple[Tensor, ...]) -> None:
            first = next((other for tensor, other in seen if tensor is given[0]), None)
            first_of[name] = first or name
            if first is None:
                seen.append((given[0], name))

        with ExitStack() as hooks:
            for name in linears:
                hook = self._model.get_submodule(name).register_forward_pre_hook(
                    partial(enter, name)
                )
                hooks.callback(hook.remove)
            for place, state in enumerate(self._states):
                left = self._run(number, place, state)
                for tensor, name in seen:
                    rows = tensor.flatten(0, -2)
                    width = matrix(self._model, name).shape[1]
                    total = sums.setdefault(
                        name, torch.zeros(width) if diagonal else torch.zeros(width, width)
                    )
                    if diagonal:
                        total += rows.square().sum(0)
                    else:
                        total.addmm_(rows.T, rows)
                seen.clear()
                if keep:
                    self._states[place] = left
        if keep:
            self._progress(number + 1, len(self._layers))
        for total in sums.values():
            total /= self._tokens
        return {name: sums[first_of[name]] for name in linears}

    @torch.no_grad()
    def advance(self, number: int) -> None:
        """Run the layer, as it is now, for what the next one gets."""
        for place, state in enumerate(self._states):
            self._states[place] = self._run(number, place, state)
        self._progress(number + 1, len(self._layers))

    def _run(self, number: int, place: int, state: Tensor) -> Tensor:
        args, kwargs = self._given[number][place]
        left = self._model.get_submodule(self._layers[number].path)(state, *args, **kwargs)
        return left if isinstance(left, Tensor) else left[0]

    @torch.no_grad()
    def _entered(self, split: EncodedSplit) -> tuple[list[Tensor], list[list[tuple[Any, Any]]]]:
        """The states of each batch before the first layer, and what every layer is given beside
        them: masks, which may differ, and rotations.

        Layers stand still for this: each hands on what it gets.
        """
        states: list[Tensor] = []
        given: list[list[tuple[Any, Any]]] = [[] for _ in self._layers]

        def stand_still(number: int, state: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if number == 0:
                states.append(state)
            given[number].append((args, kwargs))
            return state

        modules = [self._model.get_submodule(layer.path) for layer in self._layers]
        try:
            for number, module in enumerate(modules):
                module.forward = partial(stand_still, number)
            for _, batch in unpadded(split.ids, batch_size(self._model, split)):
                architecture_of(self._model).body()(**batch, use_cache=False)
        finally:
            for module in modules:
                del module.forward
        return states, given
