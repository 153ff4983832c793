"""A classifier of any family as an ONNX graph, traced from torch, for models that
`graphs/encoder.py` does not support.

ONNX Runtime's optimizer cleans the traced graph (constant folding, dead nodes), and
`traced_matrices.py` gives it the form that quantization reads; further fusion happens when a
session loads it.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import onnx
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.graphs.graph import OPSET
from paretoscope.graphs.traced_matrices import with_matrices

_onnx: Any = onnx
_onnxruntime: Any = onnxruntime
_torch: Any = torch
SIZES = {0: "batch", 1: "sequence"}
TRACED_SHAPE = (2, 13)
"""Texts and tokens of the trace; neither is a size that a model gives a meaning."""


class _Logits(nn.Module):
    """A model with the inputs and the output of an artefact."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def trace(model: PreTrainedModel) -> onnx.ModelProto:
    """The graph of `model` with eager attention and dynamic batch and sequence; raises `ModelError`
    if torch cannot export it.
    """
    typed: Any = model
    typed.set_attn_implementation("eager")
    words = len(typed.get_input_embeddings().weight)
    ids = torch.full(TRACED_SHAPE, words // 2)
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
        redirect_stdout(StringIO()),  # torch prints a graph that it cannot export
    ):
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        traced, cleaned = Path(folder) / "traced.onnx", Path(folder) / "cleaned.onnx"
        try:
            _torch.onnx.export(
                _Logits(model).eval(),
                (ids, torch.ones_like(ids)),
                str(traced),
                input_names=["input_ids", "attention_mask"],
                output_names=["logits"],
                dynamic_axes={"input_ids": SIZES, "attention_mask": SIZES, "logits": {0: "batch"}},
                opset_version=OPSET,
                dynamo=False,
            )
        except Exception as error:
            brief = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ModelError(
                f"torch cannot export this {model.config.model_type} model to ONNX"
                f" ({brief.rstrip('.')}); give a model of another family."
            ) from error
        _clean(traced, cleaned)
        return with_matrices(_onnx.load(cleaned), model.base_model_prefix, words)


def _clean(source: Path, target: Path) -> None:
    options = _onnxruntime.SessionOptions()
    options.graph_optimization_level = _onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    _onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
