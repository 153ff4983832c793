"""Feature distillation: losses on the teacher's hidden states and on its last layer's attention.

The terms are those of TinyBERT (Jiao et al. 2020, arXiv:1909.10351, eq. 8) and MiniLM (Wang et al.
2020, arXiv:2002.10957, eq. 6 to 9). Features take megabytes a batch, unlike logits, so they are not
cached: the teacher runs on every batch of the student, without dropout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy
from paretoscope.models.modules.tensors import unflatten
from paretoscope.training.settings import half_precision


def mapped_layers(started_from: Sequence[int], count: int) -> tuple[int, ...]:
    """For each student layer the layer, of a teacher with `count`, whose output it should match.

    It is the layer before the one that the next student layer was copied from, and the teacher's
    last layer for the last one. Evenly spread layers give the uniform mapping of TinyBERT.

    >>> mapped_layers((0, 2, 4), 6), mapped_layers((0, 1), 6)
    ((1, 3, 5), (0, 5))
    """
    return (*(layer - 1 for layer in started_from[1:]), count - 1)


def hidden_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of hidden states [batch, tokens, width] over unmasked tokens.

    `mask` [batch, tokens] is 1 for tokens and 0 for padding. The student is as wide as its teacher,
    so there is no projection (W_h of TinyBERT's eq. 8 is the identity).
    """
    squares = (student - teacher).square().mean(-1)
    return (squares * mask).sum() / mask.sum()


def relation(left: Tensor, right: Tensor, mask: Tensor, heads: int) -> Tensor:
    """log softmax(left right^T / sqrt(size)) of each head.

    Both are [batch, tokens, width]; the result is [batch, heads, tokens, tokens]. Queries and keys
    give the attention distributions, values twice the value relation (MiniLM, eq. 7 and 8).
    """
    first, second = (
        unflatten(part.float(), -1, (heads, -1)).transpose(1, 2) for part in (left, right)
    )
    scores = first @ second.transpose(-1, -2) / math.sqrt(first.shape[-1])
    return scores.masked_fill(mask[:, None, None, :] == 0, -1e9).log_softmax(-1)


def relation_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """KL(teacher || student) of log relations, averaged over heads and tokens (MiniLM, eq. 6).

    The relations are [batch, heads, tokens, tokens]; padding does not count.
    """
    divergence = (teacher.exp() * (teacher - student)).sum(-1).mean(1)
    return (divergence * mask).sum() / mask.sum()


class FeatureLoss:
    """The weighted sum of these losses for a batch, as `Training.feature_loss`.

    A context manager: within it hooks record features of both models. If the student has as many
    heads as the teacher, the attention term is MiniLM's; otherwise both are split into the largest
    number of relation heads that divides both (MiniLMv2, arXiv:2012.15828, section 3.1).
    """

    def __init__(
        self,
        student: PreTrainedModel,
        teacher: PreTrainedModel,
        layers: Sequence[int],
        *,
        hidden_weight: float,
        attention_weight: float,
    ) -> None:
        """`layers` are those of `mapped_layers`; `teacher` is another model and is not changed."""
        self._teacher = teacher.eval()
        self._hidden_weight, self._attention_weight = hidden_weight, attention_weight
        ours, theirs = anatomy(student).layers, anatomy(teacher).layers
        mapped = [theirs[layer] for layer in layers]
        self._ours = _Captured(
            student,
            ours[: len(mapped)] if hidden_weight else (),
            ours[-1] if attention_weight else None,
        )
        self._theirs = _Captured(
            teacher,
            mapped if hidden_weight else (),
            theirs[-1] if attention_weight else None,
        )
        self._heads = math.gcd(_heads(student, ours[-1]), _heads(teacher, theirs[-1]))

    def __enter__(self) -> Self:
        self._ours.attach()
        self._theirs.attach()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.detach()
        self._theirs.detach()

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The loss for the batch that the student has just read."""
        with torch.no_grad(), half_precision():
            self._teacher(**inputs)
        ours, theirs, mask = self._ours, self._theirs, inputs["attention_mask"]
        total = torch.zeros(())
        if self._hidden_weight:
            pairs = zip(ours.hidden, theirs.hidden, strict=True)
            each = [hidden_loss(student, teacher, mask) for student, teacher in pairs]
            total = total + self._hidden_weight * torch.stack(each).mean()
        if self._attention_weight:
            for left, right in (("query", "key"), ("value", "value")):
                student, teacher = (
                    relation(captured.parts[left], captured.parts[right], mask, self._heads)
                    for captured in (ours, theirs)
                )
                total = total + self._attention_weight * relation_loss(student, teacher, mask)
        return total


class _Captured:
    """Outputs of the last forward pass: of `layers`, and of query, key and value of `last`."""

    def __init__(
        self, model: nn.Module, layers: Sequence[LayerAnatomy], last: LayerAnatomy | None
    ) -> None:
        self._model, self._layers, self._last = model, layers, last
        self._hooks: list[RemovableHandle] = []
        self.hidden: list[Tensor] = [torch.empty(0)] * len(layers)
        self.parts: dict[str, Tensor] = {}

    def attach(self) -> None:
        """Record the outputs of every forward pass from now on."""
        for index, layer in enumerate(self._layers):
            self._hook_layer(index, layer.path)
        if self._last is not None:
            self._hook_part("query", self._last.query)
            self._hook_part("key", self._last.key)
            self._hook_part("value", self._last.value)

    def detach(self) -> None:
        """Remove all hooks."""
        while self._hooks:
            self._hooks.pop().remove()

    def _hook_layer(self, index: int, path: str) -> None:
        def record(_module: nn.Module, _inputs: Any, output: Tensor | tuple[Tensor, ...]) -> None:
            self.hidden[index] = (output[0] if isinstance(output, tuple) else output).float()

        self._hooks.append(self._model.get_submodule(path).register_forward_hook(record))

    def _hook_part(self, name: str, path: str) -> None:
        def record(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            self.parts[name] = output

        self._hooks.append(self._model.get_submodule(path).register_forward_hook(record))


def _heads(model: nn.Module, layer: LayerAnatomy) -> int:
    return model.get_parameter(f"{layer.query}.weight").shape[0] // layer.head_size
