"""Export of a torch model to ONNX, with a comparison of the logits of both.

The comparisons are in `graphs/export_classifier.py` and, with the cache of a decoder, in
`graphs/export_decoder.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import onnx
from transformers import PreTrainedModel

from paretoscope.errors import ArtifactError
from paretoscope.families.decoders import DECODERS
from paretoscope.families.encoders import ENCODERS, positions_after_padding
from paretoscope.families.family import ArchitectureName
from paretoscope.graphs.decoder import assemble_decoder
from paretoscope.graphs.encoder import assemble, can_assemble
from paretoscope.graphs.export_classifier import answered, difference
from paretoscope.graphs.export_decoder import decoder_difference_from_torch
from paretoscope.graphs.trace import trace
from paretoscope.models.architecture import architecture_of

TOLERANCE = 1e-3
"""Largest accepted difference of a logit from torch, relative to the largest logit of a text."""


def code_version(model_type: str) -> int:
    """Increased when the same model of a family gives another graph.

    >>> code_version("bert"), code_version("roberta"), code_version("albert")
    (2, 3, 3)
    """
    assembled = model_type in DECODERS or model_type in ENCODERS
    return 2 if assembled and not positions_after_padding(model_type) else 3


def export(model: PreTrainedModel) -> tuple[onnx.ModelProto, float]:
    """The fp32 graph of `model` and its largest relative difference from torch; raises
    `ArtifactError` above `TOLERANCE`.

    Tracing a classifier may change the model; use it no more.
    """
    graph, difference = EXPORTERS[architecture_of(model).name](model)
    if not difference <= TOLERANCE:
        raise ArtifactError(
            f"The exported {model.config.model_type} graph differs from torch by {difference:.2g},"
            f" more than the tolerance of {TOLERANCE:g}; this family or configuration cannot be"
            " exported."
        )
    return graph, difference


def classifier_graph(model: PreTrainedModel) -> onnx.ModelProto:
    """The graph of a sequence classifier: assembled where possible, else traced."""
    return assemble(model) if can_assemble(model.config) else trace(model)


def _classifier(model: PreTrainedModel) -> tuple[onnx.ModelProto, float]:
    probes = answered(model)
    graph = classifier_graph(model)
    return graph, difference(graph, probes)


def _decoder(model: PreTrainedModel) -> tuple[onnx.ModelProto, float]:
    graph = assemble_decoder(model)
    return graph, decoder_difference_from_torch(graph, model)


EXPORTERS: dict[ArchitectureName, Callable[[PreTrainedModel], tuple[onnx.ModelProto, float]]] = {
    "classifier": _classifier,
    "decoder": _decoder,
}
"""The graph of a model and its difference from torch, by architecture."""
