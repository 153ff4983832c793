"""Statistics of a language model, one layer at a time, on the outputs of the pruned layers before.

This is the procedure of the authors of Wanda and SparseGPT. Every layer runs twice, not once for
each layer after it, and the statistics of one layer are in memory at a time. Of the texts only the
hidden states between two layers are kept: 4 bytes x hidden x tokens.
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
from paretoscope.pruning.statistics.calibration_set import batch_size, calibration_set
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training.batches import unpadded

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class LayerByLayer:
    """The hidden states before one layer; layers are visited in order, from 0."""

    def __init__(self, model: PreTrainedModel, context: StageContext) -> None:
        model.eval()
        split = calibration_set(model, context)
        self._model = model
        self._layers = architecture_of(model).layers()
        self._progress = context.progress
        self._tokens = sum(map(len, split.ids))
        self._states, self._arguments = self._first_states(split)

    @torch.no_grad()
    def moments(
        self, number: int, linears: Sequence[str], *, diagonal: bool = False, keep: bool = False
    ) -> dict[str, Tensor]:
        """X^T X / tokens of the inputs X [tokens, in] of modules of a layer, by name: [in, in].

        With `diagonal` only the diagonal [in]. Modules that read the same tensor share one result.
        With `keep` the layer will not change: its outputs are the inputs of the next layer.
        """
        inputs = _Inputs()
        sums: dict[str, Tensor] = {}
        with ExitStack() as hooks:
            for name in linears:
                module = self._model.get_submodule(name)
                hook = module.register_forward_pre_hook(partial(inputs.record, name))
                hooks.callback(hook.remove)
            for index, state in enumerate(self._states):
                output = self._run(number, index, state)
                for tensor, name in inputs.distinct:
                    width = matrix(self._model, name).shape[1]
                    shape = (width,) if diagonal else (width, width)
                    _add_moments(sums.setdefault(name, torch.zeros(shape)), tensor.flatten(0, -2))
                inputs.distinct.clear()
                if keep:
                    self._states[index] = output
        if keep:
            self._progress(number + 1, len(self._layers))
        for total in sums.values():
            total /= self._tokens
        return {name: sums[inputs.first_of[name]] for name in linears}

    @torch.no_grad()
    def advance(self, number: int) -> None:
        """Run the layer with its current weights; its outputs are the inputs of the next layer."""
        for index, state in enumerate(self._states):
            self._states[index] = self._run(number, index, state)
        self._progress(number + 1, len(self._layers))

    def _run(self, number: int, index: int, state: Tensor) -> Tensor:
        args, kwargs = self._arguments[number][index]
        output = self._model.get_submodule(self._layers[number].path)(state, *args, **kwargs)
        return output if isinstance(output, Tensor) else output[0]

    @torch.no_grad()
    def _first_states(self, split: EncodedSplit) -> tuple[list[Tensor], list[list[Arguments]]]:
        """The states of each batch before the first layer, and the other arguments of every layer.

        These are masks, which may differ between layers, and rotations. While the model runs for
        this, each layer returns its input.
        """
        states: list[Tensor] = []
        arguments: list[list[Arguments]] = [[] for _ in self._layers]

        def identity(number: int, state: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if number == 0:
                states.append(state)
            arguments[number].append((args, kwargs))
            return state

        modules = [self._model.get_submodule(layer.path) for layer in self._layers]
        try:
            for number, module in enumerate(modules):
                module.forward = partial(identity, number)
            for _, batch in unpadded(split.ids, batch_size(self._model, split)):
                architecture_of(self._model).body()(**batch, use_cache=False)
        finally:
            for module in modules:
                del module.forward
        return states, arguments


class _Inputs:
    """The distinct tensors that modules read in one batch, each with the first module's name."""

    def __init__(self) -> None:
        self.distinct: list[tuple[Tensor, str]] = []
        self.first_of: dict[str, str] = {}
        """By module name the first module that reads the same tensor."""

    def record(self, name: str, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """A forward pre-hook of the module `name`."""
        first = next((other for tensor, other in self.distinct if tensor is inputs[0]), None)
        self.first_of[name] = first or name
        if first is None:
            self.distinct.append((inputs[0], name))


def _add_moments(total: Tensor, rows: Tensor) -> None:
    """Add X^T X of `rows` [tokens, in] to `total` [in, in], or its diagonal to `total` [in]."""
    if total.ndim == 1:
        total += rows.square().sum(0)
    else:
        total.addmm_(rows.T, rows)
