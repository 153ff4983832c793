"""What enters and leaves each layer while a model runs, for criteria that judge whole layers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.models.architecture import Layer, architecture_of
from paretoscope.pruning.statistics.calibration_set import batch_size
from paretoscope.recipes.context import EncodedSplit
from paretoscope.training.batches import unpadded

See = Callable[[int, Tensor, Tensor], None]
"""Told (number of the layer, hidden state before [batch, tokens, hidden], hidden state after)."""


def watch_layers(
    model: PreTrainedModel,
    layers: Sequence[Layer],
    split: EncodedSplit,
    see: See,
) -> None:
    """Run texts and call `see` for every layer. Nothing is padded."""
    model.eval()
    with layers_watched(model, layers, see):
        for _, batch in unpadded(split.ids, batch_size(model, split)):
            architecture_of(model).body()(**batch)


@contextmanager
def layers_watched(model: nn.Module, layers: Sequence[Layer], see: See) -> Generator[None]:
    """While the block runs the model, `see` is called as each layer is left."""
    entered: dict[int, Tensor] = {}

    def enter(number: int, _module: nn.Module, given: tuple[Tensor, ...]) -> None:
        entered[number] = given[0]

    def leave(
        number: int,
        _module: nn.Module,
        _given: tuple[Tensor, ...],
        left: Tensor | tuple[Tensor, ...],
    ) -> None:
        see(number, entered.pop(number), left if isinstance(left, Tensor) else left[0])

    with ExitStack() as hooks:
        for number, layer in enumerate(layers):
            before = model.get_submodule(layer.entrance).register_forward_pre_hook(
                partial(enter, number)
            )
            after = model.get_submodule(layer.path).register_forward_hook(partial(leave, number))
            hooks.callback(before.remove)
            hooks.callback(after.remove)
        yield
