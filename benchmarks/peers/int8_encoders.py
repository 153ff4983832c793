"""int8 of a fine-tuned encoder by the documented calls of public tools: ONNX Runtime (dynamic,
static) and NNCF with OpenVINO.

It starts from a checkpoint folder (transformers format) and a file of calibration examples, as
anybody would have them, and imports nothing of this project. Makes a folder with the model,
tokenizer.json and config.json; prints one JSON line.

    python benchmarks/peers/int8_encoders.py CHECKPOINT CALIBRATION.jsonl FOLDER --by ort-dynamic
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnx import TensorProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.optimizer import optimize_model
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification

sys.path.insert(0, str(Path(__file__).parent))
from one_point import exported

MAX_TOKENS = 64
Feed = dict[str, np.ndarray]


def feeds(tokenizer: Path, examples: Path) -> list[Feed]:
    """One text each, unpadded: input_ids and attention_mask int64 [1, tokens]."""
    tok = Tokenizer.from_file(str(tokenizer))
    tok.no_padding()
    tok.enable_truncation(MAX_TOKENS)
    texts = [json.loads(line)["text"] for line in examples.read_text(encoding="utf-8").splitlines()]
    rows = [np.array([one.ids], dtype=np.int64) for one in tok.encode_batch(texts)]
    return [{"input_ids": ids, "attention_mask": np.ones_like(ids)} for ids in rows]


class Reader(CalibrationDataReader):
    """Hands ONNX Runtime one text after the other."""

    def __init__(self, texts: list[Feed]) -> None:
        self._texts: Iterator[Feed] = iter(texts)

    def get_next(
        self,
    ) -> Feed | None:  # pyright: ignore[reportIncompatibleMethodOverride]  None ends it
        return next(self._texts, None)


def ort_dynamic(whole: Path, folder: Path, heads: int, hidden: int) -> None:
    """Fused for transformers first, as ONNX Runtime's documentation says, for that is smaller and
    faster here.
    """
    fused = folder / "fused.onnx"
    optimize_model(
        str(whole), model_type="bert", num_heads=heads, hidden_size=hidden
    ).save_model_to_file(str(fused))
    # Shape inference does not know the fused operators, so the type between them has to be said.
    quantize_dynamic(
        fused,
        folder / "model.onnx",
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    fused.unlink()


def ort_static(whole: Path, folder: Path, texts: list[Feed]) -> None:
    """Prepared, then quantize-dequantize pairs round the constant matrices and the embeddings,
    activations in uint8.

    The calls' own defaults (int8 activations, every operator) ran at half the speed of fp32 here,
    these documented options at over twice that speed. Symbolic shapes are left out: inferring them
    fails on this graph.
    """
    ready = folder / "ready.onnx"
    quant_pre_process(str(whole), str(ready), skip_symbolic_shape=True)
    quantize_static(
        ready,
        folder / "model.onnx",
        Reader(texts),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )
    ready.unlink()


def nncf_static(whole: Path, folder: Path, texts: list[Feed]) -> None:
    """The transformer preset of NNCF's post-training quantization, saved as OpenVINO's own files."""
    import nncf  # pyright: ignore[reportMissingImports]  an extra of the benchmark
    import openvino  # pyright: ignore[reportMissingImports]

    model = openvino.convert_model(whole)
    small = nncf.quantize(
        model, nncf.Dataset(texts), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(texts)
    )
    openvino.save_model(small, folder / "model.xml")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("calibration", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--by", choices=("ort-dynamic", "ort-static", "nncf"), required=True)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    start = time.perf_counter()
    asked.folder.mkdir(parents=True, exist_ok=True)
    model = AutoModelForSequenceClassification.from_pretrained(asked.checkpoint).eval()
    texts = feeds(asked.checkpoint / "tokenizer.json", asked.calibration)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "model.onnx"
        exported(model, whole)
        if asked.by == "ort-dynamic":
            ort_dynamic(
                whole, asked.folder, model.config.num_attention_heads, model.config.hidden_size
            )
        elif asked.by == "ort-static":
            ort_static(whole, asked.folder, texts)
        else:
            nncf_static(whole, asked.folder, texts)
    for name in ("tokenizer.json", "config.json"):
        shutil.copyfile(asked.checkpoint / name, asked.folder / name)
    print(json.dumps({"by": asked.by, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
