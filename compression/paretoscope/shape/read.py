"""The shape of a model of either architecture."""

from __future__ import annotations

from pathlib import Path

from paretoscope.shape.config import read_config
from paretoscope.shape.encoder import _facts
from paretoscope.shape.shape import ModelFacts
from paretoscope.sources.folder import DECODER_FAMILIES
from paretoscope.sources.ref import ModelRef


def facts(model: ModelRef | str | Path, classes: int | None = None) -> ModelFacts:
    """The facts of a resolved model, or of a folder with `config.json` and safetensors; `classes` overrides the config's.

    Raises `ModelError` for a folder that cannot be read and for a family whose graph is not known beforehand.

    >>> facts("/nowhere")
    Traceback (most recent call last):
    ...
    paretoscope.errors.ModelError: The folder "/nowhere" has no readable config.json; give the folder of a transformers model.
    """
    from paretoscope.shape.decoder import decoder_facts  # builds on this file

    if (isinstance(model, ModelRef) and model.architecture == "decoder") or (not isinstance(model, ModelRef) and _is_decoder(Path(model))):
        return decoder_facts(model)
    if isinstance(model, ModelRef):
        return _facts(model.name, Path(model.path or model.name), classes or model.classes)
    return _facts(str(model), Path(model), classes)


def _is_decoder(path: Path) -> bool:
    return path.suffix.lower() == ".gguf" or str(read_config(path).get("model_type")) in DECODER_FAMILIES
