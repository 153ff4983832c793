"""Hidden states before and after each layer, for criteria that score whole layers."""

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
"""Called with (layer index, hidden state before [batch, tokens, hidden], hidden state after)."""


def watch_layers(
    model: PreTrainedModel,
    layers: Sequence[Layer],
    split: EncodedSplit,
    see: See,
) -> None:
    """Run texts without padding and call `see` for every layer."""
    model.eval()
    with layers_watched(model, layers, see):
        for _, batch in unpadded(split.ids, batch_size(model, split)):
            architecture_of(model).body()(**batch)


@contextmanager
def layers_watched(model: nn.Module, layers: Sequence[Layer], see: See) -> Generator[None]:
    """Within the block `see` is called after each layer of a forward pass."""
    states: dict[int, Tensor] = {}

    def enter(number: int, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        states[number] = inputs[0]

    def leave(
        number: int,
        _module: nn.Module,
        _inputs: tuple[Tensor, ...],
        output: Tensor | tuple[Tensor, ...],
    ) -> None:
        after = output if isinstance(output, Tensor) else output[0]
        see(number, states.pop(number), after)

    with ExitStack() as hooks:
        for number, layer in enumerate(layers):
            entrance = model.get_submodule(layer.entrance)
            before = entrance.register_forward_pre_hook(partial(enter, number))
            after = model.get_submodule(layer.path).register_forward_hook(partial(leave, number))
            hooks.callback(before.remove)
            hooks.callback(after.remove)
        yield
