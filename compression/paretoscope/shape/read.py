"""Reading the shape of a model of either architecture, without loading weights."""

from __future__ import annotations

from pathlib import Path

from paretoscope.families.decoders import DECODERS
from paretoscope.shape.config import read_config
from paretoscope.shape.read_decoder import decoder_shape
from paretoscope.shape.read_encoder import encoder_shape
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.ref import ModelRef


def read_shape(model: ModelRef | str | Path, classes: int | None = None) -> ModelShape:
    """The shape of a resolved model, or of a folder with `config.json` and safetensors.

    `classes` overrides the number of outputs in the config of a classifier. Raises `ModelError` for
    a folder that cannot be read and for a family without a known graph.

    >>> read_shape("/nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    paretoscope.errors.ModelError: The folder "/nowhere" has no readable config.json; ...
    """
    if isinstance(model, ModelRef):
        if model.architecture == "decoder":
            return decoder_shape(model)
        path = Path(model.path or model.name)
        return encoder_shape(model.name, path, classes or model.classes)
    path = Path(model)
    if path.suffix.lower() == ".gguf" or str(read_config(path).get("model_type")) in DECODERS:
        return decoder_shape(path)
    return encoder_shape(str(path), path, classes)
