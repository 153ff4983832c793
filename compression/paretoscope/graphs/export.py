"""Export of a torch model to ONNX, with a comparison of the logits of both.

The comparison for decoders, which includes the cache, is in `graphs/export_decoder.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import torch
from transformers import PreTrainedModel

from paretoscope.errors import ArtifactError
from paretoscope.families.family import ArchitectureName
from paretoscope.graphs import sessions
from paretoscope.graphs.decoder import assemble_decoder
from paretoscope.graphs.encoder import assemble, can_assemble
from paretoscope.graphs.export_decoder import decoder_difference_from_torch
from paretoscope.graphs.sessions import run
from paretoscope.graphs.trace import trace
from paretoscope.models.architecture import architecture_of
from paretoscope.models.modules.tensors import from_numpy

CODE_VERSION = 2
"""Increased when the same model gives another graph."""
TOLERANCE = 1e-3
"""Largest accepted difference of a logit from torch, relative to the largest logit or 1."""


def export(model: PreTrainedModel) -> tuple[onnx.ModelProto, float]:
    """The fp32 graph of `model` and its largest relative difference from torch; raises
    `ArtifactError` above `TOLERANCE`.
    """
    build, compare = EXPORTERS[architecture_of(model).name]
    graph = build(model)
    difference = compare(graph, model)
    if not difference <= TOLERANCE:
        raise ArtifactError(
            f"The exported {model.config.model_type} graph differs from torch by {difference:.2g},"
            f" more than the tolerance of {TOLERANCE:g}; this family or configuration cannot be"
            " exported."
        )
    return graph, difference


def _classifier(model: PreTrainedModel) -> onnx.ModelProto:
    return assemble(model) if can_assemble(model.config) else trace(model)


def difference_from_torch(graph: onnx.ModelProto, model: PreTrainedModel) -> float:
    """Largest difference of a logit, relative to the largest logit or 1, over texts of several
    lengths, some of them padded.
    """
    session = sessions.session(graph)
    worst = 0.0
    for ids, mask in _probes(model):
        with torch.inference_mode():
            expected = model(
                input_ids=from_numpy(ids), attention_mask=from_numpy(mask)
            ).logits.numpy()
        got = run(session, ["logits"], {"input_ids": ids, "attention_mask": mask})[0]
        worst = max(worst, float(np.abs(got - expected).max() / max(1.0, np.abs(expected).max())))
    return worst


def _probes(model: PreTrainedModel) -> list[tuple[np.ndarray, np.ndarray]]:
    """Token ids and masks [batch, sequence]: one short text, then a batch with every second text
    padded.
    """
    generator = np.random.default_rng(0)
    vocabulary, padding = model.config.vocab_size, model.config.pad_token_id or 0
    probes: list[tuple[np.ndarray, np.ndarray]] = []
    for batch, length in ((1, 7), (4, 24)):
        ids = generator.integers(
            min(5, vocabulary - 1), vocabulary, size=(batch, length), dtype=np.int64
        )
        mask = np.ones_like(ids)
        mask[1::2, length // 2 :] = 0
        probes.append((np.where(mask == 1, ids, padding), mask))
    return probes


Build = Callable[[PreTrainedModel], onnx.ModelProto]
Compare = Callable[[onnx.ModelProto, PreTrainedModel], float]
EXPORTERS: dict[ArchitectureName, tuple[Build, Compare]] = {
    "classifier": (_classifier, difference_from_torch),
    "decoder": (assemble_decoder, decoder_difference_from_torch),
}
"""How a graph is built and compared with torch, by architecture."""
