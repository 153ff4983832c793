"""The shape of a model of either architecture."""

from __future__ import annotations

from pathlib import Path

from paretoscope.families.decoders import DECODERS
from paretoscope.shape.config import read_config
from paretoscope.shape.decoder import decoder_shape
from paretoscope.shape.encoder import encoder_shape
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.ref import ModelRef


def read_shape(model: ModelRef | str | Path, classes: int | None = None) -> ModelShape:
    """The facts of a resolved model, or of a folder with `config.json` and safetensors; `classes`
    overrides the config's.

    Raises `ModelError` for a folder that cannot be read and for a family whose graph is not known
    beforehand.

    >>> read_shape("/nowhere")
    Traceback (most recent call last):
    ...
    paretoscope.errors.ModelError: The folder "/nowhere" has no readable config.json; give the folder of a transformers model.
    """
    if (isinstance(model, ModelRef) and model.architecture == "decoder") or (
        not isinstance(model, ModelRef) and _is_decoder(Path(model))
    ):
        return decoder_shape(model)
    if isinstance(model, ModelRef):
        return encoder_shape(model.name, Path(model.path or model.name), classes or model.classes)
    return encoder_shape(str(model), Path(model), classes)


def _is_decoder(path: Path) -> bool:
    return path.suffix.lower() == ".gguf" or str(read_config(path).get("model_type")) in DECODERS
