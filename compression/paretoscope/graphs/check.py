"""Whether a user's classifier can be exported, for `models/check.py`: before a trial is queued.

A graph that is assembled is known to be right; a traced one is made and compared with torch.
"""

from __future__ import annotations

import copy

from transformers import PreTrainedModel

from paretoscope.errors import ArtifactError, ModelError
from paretoscope.graphs.encoder import can_assemble
from paretoscope.graphs.export import export
from paretoscope.sources.ref import ModelRef


def problems(ref: ModelRef, model: PreTrainedModel) -> list[str]:
    """What keeps the model from being exported; nothing for a language model, whose config is
    checked instead.
    """
    if ref.architecture == "decoder" or can_assemble(model.config):
        return []
    try:
        export(copy.deepcopy(model))  # tracing may change it
    except (ArtifactError, ModelError) as error:
        return [f'"{ref.name}" cannot be compressed: {error}']
    return []
