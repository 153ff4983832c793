"""What enters each matrix: second moments of the inputs over a split, measured once and kept on
disk.

Wanda needs their diagonal, the activation criterion of structural pruning blocks of it, SparseGPT
all of it. What is made of them is those files' business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.models.architecture import architecture_of
from paretoscope.models.content import content_key
from paretoscope.models.modules.access import matrix
from paretoscope.pruning.statistics.calibration_set import batch_size, calibration
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training.batches import unpadded


def input_moments(
    model: PreTrainedModel, linears: Sequence[str], context: StageContext, *, keep: bool = True
) -> dict[str, Tensor]:
    """X^T X / tokens of the inputs X [tokens, in] of every linear module named, over what
    calibrates the model: [in, in] by module name.

    Linears that read the same tensor (query, key and value) share one result. With `keep` it comes
    from the context's cache when the same model saw the same texts before, so that all sparsities
    of a sweep share one pass.
    """
    split = calibration(model, context)
    groups = shared_inputs(model, linears, split.ids[0])
    firsts = [group[0] for group in groups]
    if keep:
        key = hashlib.sha256(
            "\n".join([content_key(model), split.key, *firsts]).encode()
        ).hexdigest()[:32]
        flat = torch.from_numpy(
            context.cached(f"input-moments-{key}", lambda: _measured(model, firsts, split))
        )
    else:
        flat = torch.from_numpy(_measured(model, firsts, split))
    widths = [matrix(model, name).shape[1] for name in firsts]
    parts = flat.split([width * width for width in widths])
    return {
        name: part.view(width, width)
        for group, part, width in zip(groups, parts, widths, strict=True)
        for name in group
    }


@torch.no_grad()
def shared_inputs(
    model: PreTrainedModel, linears: Sequence[str], text: np.ndarray
) -> list[list[str]]:
    """The Linears in the order in which they run, those that read the very same tensor together.

    One text (token ids [tokens]) is run to see it, for no config says so for every family.
    """
    groups: list[tuple[Tensor, list[str]]] = []  # holding the tensors keeps their identities apart

    def note(name: str, entered: Tensor) -> None:
        for tensor, names in groups:
            if tensor is entered:
                names.append(name)
                return
        groups.append((entered, [name]))

    watch_inputs(model, linears, EncodedSplit([text], np.zeros(1, dtype=np.int64), ""), note)
    return [names for _, names in groups]


def _measured(model: PreTrainedModel, linears: Sequence[str], split: EncodedSplit) -> np.ndarray:
    """The moments of the Linears one after the other, flat, float32."""
    widths = {name: matrix(model, name).shape[1] for name in linears}
    sums = {name: torch.zeros(width, width) for name, width in widths.items()}

    def add(name: str, entered: Tensor) -> None:
        rows = entered.flatten(0, -2).float()
        sums[name].addmm_(rows.T, rows)

    with torch.no_grad():
        watch_inputs(model, linears, split, add)
    tokens = sum(len(ids) for ids in split.ids)
    return torch.cat([total.flatten() for total in sums.values()]).div_(tokens).numpy()


def watch_inputs(
    model: PreTrainedModel,
    linears: Sequence[str],
    split: EncodedSplit,
    see: Callable[[str, Tensor], None],
) -> None:
    """Run texts and call `see(name, input [batch, tokens, in])` for each Linear as it is reached.
    Nothing is padded.

    A run ends once all are reached, so that watching the first layer costs a part of watching the
    last one.
    """
    model.eval()
    waiting: set[str] = set()

    def enter(name: str, _module: nn.Module, given: tuple[Tensor, ...]) -> None:
        see(name, given[0])
        waiting.discard(name)
        if not waiting:
            raise _Enough

    with ExitStack() as hooks:
        for name in linears:
            hook = model.get_submodule(name).register_forward_pre_hook(partial(enter, name))
            hooks.callback(hook.remove)
        for _, batch in unpadded(split.ids, batch_size(model, split)):
            waiting.update(linears)
            with suppress(_Enough):
                architecture_of(model).body()(**batch)


class _Enough(Exception):  # noqa: N818 - not an error: the run has shown what it was for
    pass
