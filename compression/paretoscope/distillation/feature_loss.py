"""What a student learns from inside its teacher: hidden states of mapped layers, and the attention
of the last one.

The terms are those of TinyBERT (Jiao et al. 2020, arXiv:1909.10351, eq. 8) and MiniLM (Wang et al.
2020, arXiv:2002.10957, eq. 6 to 9). Unlike logits these are megabytes a batch, so they are not
kept: the teacher runs beside the student, on the same batch, without dropout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.models.encoder.anatomy import LayerAnatomy, anatomy
from paretoscope.training.settings import half_precision


def mapped_layers(started_from: Sequence[int], count: int) -> tuple[int, ...]:
    """The layer, of a teacher with `count` of them, whose output each student layer is to have.

    It is what the next student layer was used to reading in its teacher, and for the last one the
    teacher's last. Evenly spread layers give the uniform mapping of TinyBERT.

    >>> mapped_layers((0, 2, 4), 6), mapped_layers((0, 1), 6)
    ((1, 3, 5), (0, 5))
    """
    return (*(layer - 1 for layer in started_from[1:]), count - 1)


def hidden_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of hidden states [batch, tokens, width] over the tokens that `mask`
    [batch, tokens] has 1 for.

    The student is as wide as its teacher, so nothing is projected (W_h of TinyBERT's eq. 8 is the
    identity).
    """
    squares = (student - teacher).square().mean(-1)
    return (squares * mask).sum() / mask.sum()


def relation(left: Tensor, right: Tensor, mask: Tensor, heads: int) -> Tensor:
    """log softmax(left right^T / sqrt(size)) for each head: [batch, tokens, width] twice -> [batch,
    heads, tokens, tokens].

    Queries and keys give the attention distributions, values twice the value relation (MiniLM, eq.
    7 and 8).
    """
    first, second = (
        part.float().unflatten(-1, (heads, -1)).transpose(1, 2) for part in (left, right)
    )
    scores = first @ second.transpose(-1, -2) / math.sqrt(first.shape[-1])
    return scores.masked_fill(mask[:, None, None, :] == 0, -1e9).log_softmax(-1)


def relation_loss(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """KL(teacher || student) of log relations [batch, heads, tokens, tokens], averaged over heads
    and real tokens (MiniLM, eq. 6).
    """
    divergence = (teacher.exp() * (teacher - student)).sum(-1).mean(1)
    return (divergence * mask).sum() / mask.sum()


class FeatureLoss:
    """The loss that these terms add to a batch, as `train` asks for it; a context manager, for it
    listens to both models.

    With as many heads in the student as in the teacher the attention term is MiniLM's; otherwise
    both are cut into the greatest number of relation heads that divides both (MiniLMv2,
    arXiv:2012.15828, section 3.1).
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
        """`layers` are those of `mapped_layers`; the teacher is a model of its own, which stays as
        it is.
        """
        self._teacher = teacher.eval()
        self._hidden_weight, self._attention_weight = hidden_weight, attention_weight
        students, teachers = anatomy(student).layers, anatomy(teacher).layers
        pairs = [(students[own], teachers[other]) for own, other in enumerate(layers)]
        self._student_heard = _Captured(
            student,
            [own for own, _ in pairs] if hidden_weight else [],
            students[-1] if attention_weight else None,
        )
        self._teacher_heard = _Captured(
            teacher,
            [other for _, other in pairs] if hidden_weight else [],
            teachers[-1] if attention_weight else None,
        )
        self._heads = math.gcd(_heads(student, students[-1]), _heads(teacher, teachers[-1]))

    def __enter__(self) -> Self:
        self._student_heard.listen()
        self._teacher_heard.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._student_heard.stop()
        self._teacher_heard.stop()

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum for the batch that the student has just read."""
        with torch.no_grad(), half_precision():
            self._teacher(**inputs)
        own, other, mask = self._student_heard, self._teacher_heard, inputs["attention_mask"]
        total = torch.zeros(())
        if self._hidden_weight:
            each = [
                hidden_loss(mine, theirs, mask)
                for mine, theirs in zip(own.hidden, other.hidden, strict=True)
            ]
            total = total + self._hidden_weight * torch.stack(each).mean()
        if self._attention_weight:
            for left, right in (("query", "key"), ("value", "value")):
                mine, theirs = (
                    relation(heard.parts[left], heard.parts[right], mask, self._heads)
                    for heard in (own, other)
                )
                total = total + self._attention_weight * relation_loss(mine, theirs, mask)
        return total


class _Captured:
    """Outputs of some modules in the last forward pass: of whole `layers`, and of query, key and
    value of `last`.
    """

    def __init__(
        self, model: nn.Module, layers: Sequence[LayerAnatomy], last: LayerAnatomy | None
    ) -> None:
        self._model, self._layers, self._last = model, layers, last
        self._stops: list[Any] = []
        self.hidden: list[Tensor] = [torch.empty(0)] * len(layers)
        self.parts: dict[str, Tensor] = {}

    def listen(self) -> None:
        def keep_hidden(place: int) -> Callable[..., None]:
            def keep(_module: nn.Module, _inputs: Any, output: Any) -> None:
                self.hidden[place] = (output[0] if isinstance(output, tuple) else output).float()

            return keep

        def keep_part(name: str) -> Callable[..., None]:
            def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
                self.parts[name] = output

            return keep

        for place, layer in enumerate(self._layers):
            self._stops.append(
                self._model.get_submodule(layer.path).register_forward_hook(keep_hidden(place))
            )
        for name in ("query", "key", "value") if self._last else ():
            self._stops.append(
                self._model.get_submodule(getattr(self._last, name)).register_forward_hook(
                    keep_part(name)
                )
            )

    def stop(self) -> None:
        while self._stops:
            self._stops.pop().remove()


def _heads(model: nn.Module, layer: LayerAnatomy) -> int:
    return model.get_parameter(f"{layer.query}.weight").shape[0] // layer.head_size
