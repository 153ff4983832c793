"""Second moments of the inputs of each matrix over the calibration set, measured once and cached.

Wanda uses their diagonal, the activation criterion of structural pruning uses blocks of them, and
SparseGPT uses all.
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
from paretoscope.models.content import model_key
from paretoscope.models.modules.access import matrix
from paretoscope.models.modules.tensors import from_numpy, split
from paretoscope.pruning.statistics.calibration_set import batch_size, calibration_set
from paretoscope.recipes.context import EncodedSplit, StageContext
from paretoscope.training.batches import unpadded


def input_moments(
    model: PreTrainedModel, linears: Sequence[str], context: StageContext, *, keep: bool = True
) -> dict[str, Tensor]:
    """X^T X / tokens of the inputs X [tokens, in] of linear modules: [in, in] by module name.

    Modules that read the same tensor (query, key and value) share one result. With `keep` it is
    cached, so that all sparsities of a sweep share one pass over the calibration set.
    """
    texts = calibration_set(model, context)
    groups = shared_inputs(model, linears, texts.ids[0])
    firsts = [group[0] for group in groups]
    if keep:
        content = "\n".join([model_key(model), texts.key, *firsts])
        key = hashlib.sha256(content.encode()).hexdigest()[:32]
        flat = context.cached(f"input-moments-{key}", lambda: _measured(model, firsts, texts))
    else:
        flat = _measured(model, firsts, texts)
    widths = [matrix(model, name).shape[1] for name in firsts]
    parts = split(from_numpy(flat), [width * width for width in widths])
    return {
        name: part.view(width, width)
        for group, part, width in zip(groups, parts, widths, strict=True)
        for name in group
    }


@torch.no_grad()
def shared_inputs(
    model: PreTrainedModel, linears: Sequence[str], text: np.ndarray
) -> list[list[str]]:
    """The modules in the order in which they run, grouped by the tensor that they read.

    One text (token ids [tokens]) is run to see it, as no config states it for every family.
    """
    groups: list[tuple[Tensor, list[str]]] = []  # holding the tensors keeps their ids distinct

    def record(name: str, entered: Tensor) -> None:
        for tensor, names in groups:
            if tensor is entered:
                names.append(name)
                return
        groups.append((entered, [name]))

    watch_inputs(model, linears, EncodedSplit([text], np.zeros(1, dtype=np.int64), ""), record)
    return [names for _, names in groups]


def _measured(model: PreTrainedModel, linears: Sequence[str], split: EncodedSplit) -> np.ndarray:
    """The moments of the modules one after the other, flat, float32."""
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
    """Run texts without padding and call `see(name, input [batch, tokens, in])` for each module.

    A run stops when all modules have been reached, so that the first layers take less time than
    the last.
    """
    model.eval()
    waiting: set[str] = set()

    def enter(name: str, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        see(name, inputs[0])
        waiting.discard(name)
        if not waiting:
            raise _Reached

    with ExitStack() as hooks:
        for name in linears:
            hook = model.get_submodule(name).register_forward_pre_hook(partial(enter, name))
            hooks.callback(hook.remove)
        for _, batch in unpadded(split.ids, batch_size(model, split)):
            waiting.update(linears)
            with suppress(_Reached):
                architecture_of(model).body()(**batch)


class _Reached(Exception):  # noqa: N818 - it ends a run, and is no error
    """All watched modules of a run have been reached."""
