"""Low-rank adapters, the format of the built-in classifiers (Hu et al. 2021, arXiv:2106.09685): one
megabyte instead of ninety.

An adapter file is safetensors in fp16. For a Linear `name` with weight [out, in] it has
`name.lora_a` [rank, in] and `name.lora_b` [out, rank]; `lora_b @ lora_a` is added to the base
weight. Any other tensor replaces the parameter of the same name (head, biases, layer norms). The
metadata describe the training. `benchmarks/train_adapters.py` trains the shipped adapters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from paretoscope.errors import ModelError
from paretoscope.models.modules.access import linear, modules_of
from paretoscope.workspace import write_whole

_open: Any = safe_open
A, B = ".lora_a", ".lora_b"


@dataclass(frozen=True)
class Adapter:
    """Tensors by name and metadata: base, task, labels (JSON list), train_sha256, command,
    validation_accuracy.
    """

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]


def read_adapter(path: str | Path) -> Adapter:
    """Read an adapter file, tensors as fp32; raises `ModelError` if it is missing or damaged."""
    try:
        with _open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name).float() for name in list(file.keys())}
            return Adapter(tensors, file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f'The adapter "{path}" cannot be read ({error}); restore it from the repository.'
        ) from error


def write_adapter(path: Path, adapter: Adapter) -> None:
    """Write an adapter in fp16."""
    float16 = {name: each.detach().half().contiguous() for name, each in adapter.tensors.items()}
    write_whole(path, save(float16, metadata=dict(adapter.metadata)))


@torch.no_grad()
def merge(model: nn.Module, adapter: Adapter) -> None:
    """Add the low-rank parts to the model's weights and replace the other tensors, in place; raises
    `ModelError` if names or shapes do not match.
    """
    parameters = dict(model.named_parameters())
    for name, tensor in adapter.tensors.items():
        if name.endswith(B):
            continue
        low_rank = name.endswith(A)
        target = name.removesuffix(A) + ".weight" if low_rank else name
        change = adapter.tensors[name.removesuffix(A) + B] @ tensor if low_rank else tensor
        if target not in parameters or parameters[target].shape != change.shape:
            raise ModelError(
                f'The adapter has "{name}" of shape {list(tensor.shape)}, which does not match the'
                " model; use the model that it was trained on."
            )
        parameters[target].copy_(parameters[target] + change if low_rank else change)


def attach(model: nn.Module, linears: Iterable[str], rank: int, scale: float) -> None:
    """Freeze the weights of Linear modules and add trainable low-rank parts `scale * lora_b @
    lora_a`, in place; they start at zero.

    The low-rank part is computed from the inputs, so the gradient of a full weight is not computed.
    """
    for name in linears:
        module: Any = linear(model, name)  # Any, since it gets attributes that Linear does not have
        module.weight.requires_grad_(False)
        module.lora_a = nn.Parameter(
            torch.randn(rank, module.in_features) / module.in_features**0.5
        )
        module.lora_b = nn.Parameter(torch.zeros(module.out_features, rank))
        module.lora_hook = module.register_forward_hook(partial(_add_low_rank, scale=scale))


def _add_low_rank(module: Any, inputs: tuple[Tensor, ...], output: Tensor, scale: float) -> Tensor:
    return output + scale * F.linear(F.linear(inputs[0], module.lora_a), module.lora_b)


@torch.no_grad()
def detach(model: nn.Module, scale: float) -> dict[str, Tensor]:
    """Remove the low-rank parts and return them as adapter tensors; the model's weights are those
    before `attach`.
    """
    tensors: dict[str, Tensor] = {}
    module: Any
    for name, module in modules_of(model).items():
        if not hasattr(module, "lora_hook"):
            continue
        tensors[name + A] = module.lora_a.detach().clone()
        tensors[name + B] = module.lora_b.detach() * scale
        module.lora_hook.remove()
        del module.lora_a, module.lora_b, module.lora_hook
        module.weight.requires_grad_(True)
    return tensors
