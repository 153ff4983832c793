"""From a torch model to an ONNX graph that gives the same answers, or an error that says by how
much it does not.

How a decoder is compared, with its cache, is `graphs/export_decoder.py`'s.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from transformers import PreTrainedModel

from paretoscope.errors import ArtifactError
from paretoscope.graphs import sessions
from paretoscope.graphs.decoder import assemble_decoder
from paretoscope.graphs.encoder import assemble, can_assemble
from paretoscope.graphs.export_decoder import decoder_difference_from_torch
from paretoscope.graphs.trace import trace
from paretoscope.models.modules.access import is_decoder

CODE_VERSION = 2
"""Raised when the same model would give another graph."""
TOLERANCE = 1e-3
"""Largest difference of a logit from torch's that is accepted, relative to the largest logit or 1.
"""


def export(model: PreTrainedModel) -> tuple[onnx.ModelProto, float]:
    """The fp32 graph of `model` and its largest relative difference from torch; raises
    `ArtifactError` above `TOLERANCE`.
    """
    if is_decoder(model.config):
        graph = assemble_decoder(model)
        difference = decoder_difference_from_torch(graph, model)
    else:
        graph = assemble(model) if can_assemble(model.config) else trace(model)
        difference = difference_from_torch(graph, model)
    if not difference <= TOLERANCE:
        raise ArtifactError(
            f"The exported {model.config.model_type} graph differs from torch by {difference:.2g}"
            f" (at most {TOLERANCE:g} is accepted); this family or configuration cannot be exported"
            " faithfully, so nothing was kept."
        )
    return graph, difference


def difference_from_torch(graph: onnx.ModelProto, model: PreTrainedModel) -> float:
    """Largest difference of logits over texts of several lengths, padded ones among them; relative
    to the largest logit or 1.
    """
    session = sessions.session(graph)
    worst = 0.0
    for ids, mask in _probes(model):
        with torch.inference_mode():
            expected = model(
                input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)
            ).logits.numpy()
        got = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        worst = max(worst, float(np.abs(got - expected).max() / max(1.0, np.abs(expected).max())))
    return worst


def _probes(model: PreTrainedModel) -> list[tuple[np.ndarray, np.ndarray]]:
    """Token ids and masks [batch, sequence]: one short text, and a batch in which every second text
    is padded.
    """
    generator = np.random.default_rng(0)
    vocabulary, padding = model.config.vocab_size, model.config.pad_token_id or 0
    probes = []
    for batch, length in ((1, 7), (4, 24)):
        ids = generator.integers(
            min(5, vocabulary - 1), vocabulary, size=(batch, length), dtype=np.int64
        )
        mask = np.ones_like(ids)
        mask[1::2, length // 2 :] = 0
        probes.append((np.where(mask == 1, ids, padding), mask))
    return probes
