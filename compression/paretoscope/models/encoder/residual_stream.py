"""The residual stream of an encoder: every module with the hidden size, and slicing all of them.

A criterion of structural pruning chooses the dimensions. The widths of attention (heads x head
size) and of the feed-forward do not change. Neither does the config, so the head size that it
implies stays right; the shapes of the tensors are authoritative.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import linear, modules_of
from paretoscope.models.modules.slicing import slice_embedding, slice_linear, slice_norm


@dataclass(frozen=True)
class ResidualStream:
    """Module names: embeddings and norms of the hidden size, Linear modules that read the residual
    stream and Linear modules that write to it.
    """

    embeddings: tuple[str, ...]
    norms: tuple[str, ...]
    readers: tuple[str, ...]
    writers: tuple[str, ...]

    def width(self, model: nn.Module) -> int:
        return linear(model, self.writers[-1]).out_features


def residual_stream(model: PreTrainedModel) -> ResidualStream:
    """The residual stream of a sequence classifier; raises `ModelError` for an unknown family.

    An embedding projection, if there is one, writes to the stream, and the embeddings are not part
    of it.
    """
    parts = anatomy(model)
    modules = modules_of(model)
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
        readers=(*(name for layer in parts.layers for name in layer.readers), parts.head[0]),
        writers=(
            *([projection] if projection else []),
            *(name for layer in parts.layers for name in (layer.output, layer.ffn_out)),
        ),
    )


def keep_dimensions(model: PreTrainedModel, dimensions: Tensor) -> None:
    """Keep some dimensions [kept] of the residual stream, in ascending order, in place: in
    embeddings, norms, matrices and the head's input.
    """
    stream = residual_stream(model)
    for name in stream.embeddings:
        slice_embedding(model, name, dimensions)
    for name in stream.norms:
        slice_norm(model, name, dimensions)
    for name in stream.readers:
        slice_linear(model, name, dimensions, 1)
    for name in stream.writers:
        slice_linear(model, name, dimensions, 0)
