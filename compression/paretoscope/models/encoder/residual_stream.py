"""The residual stream: every place where the hidden width of a model stands, and cutting all of
them at once.

Which dimensions go is for a criterion of structural pruning. The width of attention (heads x head
size) and of the feed-forward part are other widths and stay. The config keeps saying what the model
was made from, so the head size that it implies stays right; as for heads and neurons, the shapes of
the tensors are the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import linear
from paretoscope.models.modules.slicing import slice_embedding, slice_linear, slice_norm


@dataclass(frozen=True)
class ResidualStream:
    """Module names: tables and norms of the hidden width, Linears that read the stream and Linears
    that write to it.
    """

    embeddings: tuple[str, ...]
    norms: tuple[str, ...]
    read: tuple[str, ...]
    written: tuple[str, ...]

    def width(self, model: nn.Module) -> int:
        return linear(model, self.written[-1]).out_features


def stream(model: PreTrainedModel) -> ResidualStream:
    """Where the hidden width stands in a sequence classifier; raises `ModelError` for a family that
    is not known.

    ELECTRA may project narrower embeddings into the stream: then that projection writes to it and
    the tables are no part of it.
    """
    parts = anatomy(model)
    modules = dict(model.named_modules())
    projection = parts.embedding_projection
    inside = [parts.layer_list] if projection else [parts.family.embeddings, parts.layer_list]
    found = [
        (name, module)
        for name, module in modules.items()
        if any(name.startswith(f"{path}.") for path in inside)
    ]
    return ResidualStream(
        embeddings=tuple(name for name, module in found if isinstance(module, nn.Embedding)),
        norms=tuple(name for name, module in found if isinstance(module, nn.LayerNorm)),
        read=(*(name for layer in parts.layers for name in layer.readers), parts.head[0]),
        written=(
            *([projection] if projection else []),
            *(name for layer in parts.layers for name in (layer.output, layer.ffn_out)),
        ),
    )


def keep_dimensions(model: PreTrainedModel, dimensions: Tensor) -> None:
    """Keep these dimensions [kept] of the stream, rising, in place and everywhere: tables, norms,
    matrices and the head's input.
    """
    places = stream(model)
    for name in places.embeddings:
        slice_embedding(model, name, dimensions)
    for name in places.norms:
        slice_norm(model, name, dimensions)
    for name in places.read:
        slice_linear(model, name, dimensions, 1)
    for name in places.written:
        slice_linear(model, name, dimensions, 0)
