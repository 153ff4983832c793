"""Taylor pruning: the first-order change of the loss when something is set to zero.

    weight:              |w_ij * dL/dw_ij|
    head, neuron, layer: E |dL/dg|, for a gate g = 1 on its output

Molchanov et al. 2019, arXiv:1906.10771, and Michel et al. 2019, arXiv:1905.10650, equation 2. L is
the loss on the labels of the calibration split. Absolute values are taken for each text, as over
all texts the signs cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.encoder.residual_stream import residual_stream
from paretoscope.models.modules.tensors import on_gradient
from paretoscope.pruning.statistics.gradients import BATCH, losses
from paretoscope.pruning.statistics.layer_outputs import layers_watched
from paretoscope.pruning.units import UnitGroup
from paretoscope.recipes.context import StageContext


def score(weight: Tensor, gradients: Tensor) -> Tensor:
    """|w| * mean |gradient|: `weight`, `gradients` [out, in] -> scores [out, in], the highest kept.

    `gradients` is from `statistics.gradients.mean_gradients`.
    """
    return weight.abs() * gradients


def score_units(
    model: PreTrainedModel, groups: Sequence[UnitGroup], context: StageContext
) -> list[Tensor]:
    """Mean over texts of |sum over tokens and entries of x * dL/dx|, x a unit's output: [units]."""
    sums = [torch.zeros(group.count(model)) for group in groups]

    def see(number: int, entered: Tensor, gradient: Tensor) -> None:
        group = groups[number]
        product = (entered * gradient).reshape(len(entered), -1, group.count(model), group.size)
        sums[number] += product.sum((1, 3)).abs().sum(0)

    _watch_gradients(model, [group.columns for group in groups], context, see)
    return [total / len(context.encoded("calibration")) for total in sums]


def score_layers(model: PreTrainedModel, layers: Sequence[Layer], context: StageContext) -> Tensor:
    """Mean over texts of |sum of (after - before) * dL/dafter|: [layers].

    The gate interpolates between a layer's input and its output.
    """
    sums = torch.zeros(len(layers))

    def see(number: int, before: Tensor, after: Tensor) -> None:
        added = (after - before).detach()

        def add(gradient: Tensor) -> None:
            sums[number] += (added * gradient).flatten(1).sum(1).abs().sum()

        on_gradient(after, add)

    with layers_watched(model, layers, see):
        _run_backward(model, context)
    return sums / len(context.encoded("calibration"))


def score_hidden(model: PreTrainedModel, context: StageContext) -> Tensor:
    """Mean over texts of |sum over tokens of x_j * dL/dx_j|: [hidden].

    Summed over the inputs of all attention and feed-forward blocks.
    """
    sums = torch.zeros(residual_stream(model).width(model))

    def see(_: int, entered: Tensor, gradient: Tensor) -> None:
        sums.add_((entered * gradient).sum(1).abs().sum(0))

    entrances = [name for layer in anatomy(model).layers for name in (layer.query, layer.ffn_in)]
    _watch_gradients(model, entrances, context, see)
    return sums / len(context.encoded("calibration"))


def _watch_gradients(
    model: PreTrainedModel,
    linears: Sequence[str],
    context: StageContext,
    see: Callable[[int, Tensor, Tensor], None],
) -> None:
    """Call `see(index, input, gradient of the loss by the input)` for each module and batch.

    The gradient includes everything that reads the tensor, the residual connection too.
    """

    def enter(number: int, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        on_gradient(inputs[0], partial(see, number, inputs[0].detach()))

    with ExitStack() as hooks:
        for number, name in enumerate(linears):
            hook = model.get_submodule(name).register_forward_pre_hook(partial(enter, number))
            hooks.callback(hook.remove)
        _run_backward(model, context)


def _run_backward(model: PreTrainedModel, context: StageContext) -> None:
    """Forward and backward over the calibration split; the model's `.grad` is not changed."""
    table = model.get_input_embeddings().parameters()
    trained = [parameter for parameter in table if parameter.requires_grad]
    for loss in losses(model, context.encoded("calibration"), BATCH):
        torch.autograd.grad(loss, trained)
