"""int8 models of a fine-tuned encoder by public tools: ONNX Runtime and NNCF with OpenVINO.

It uses the documented calls on a transformers checkpoint and a file of calibration examples, and
imports nothing of this project. It writes model, tokenizer.json and config.json to a folder and
prints one line of JSON.

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
    """Feeds the texts to ONNX Runtime one by one."""

    def __init__(self, texts: list[Feed]) -> None:
        self._texts: Iterator[Feed] = iter(texts)

    def get_next(self) -> Feed | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The next text; None at the end."""
        return next(self._texts, None)


def ort_dynamic(whole: Path, folder: Path, heads: int, hidden: int) -> None:
    """Dynamic quantization after transformer fusion, as ONNX Runtime's documentation recommends."""
    fused = folder / "fused.onnx"
    optimize_model(
        str(whole), model_type="bert", num_heads=heads, hidden_size=hidden
    ).save_model_to_file(str(fused))
    # Shape inference does not know the fused operators: state the type of their tensors.
    quantize_dynamic(
        fused,
        folder / "model.onnx",
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    fused.unlink()


def ort_static(whole: Path, folder: Path, texts: list[Feed]) -> None:
    """Static quantization in QDQ format of constant matrices and embeddings, uint8 activations.

    The defaults (int8 activations, every operator) ran at half the speed of fp32 in our
    measurements, these documented options at more than twice the speed of fp32. Symbolic shape
    inference is skipped because it fails on this graph.
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
    """NNCF post-training quantization with the transformer preset, saved as OpenVINO files."""
    import nncf  # pyright: ignore[reportMissingImports]  optional
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
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    start = time.perf_counter()
    args.folder.mkdir(parents=True, exist_ok=True)
    model = AutoModelForSequenceClassification.from_pretrained(args.checkpoint).eval()
    texts = feeds(args.checkpoint / "tokenizer.json", args.calibration)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "model.onnx"
        exported(model, whole)
        if args.by == "ort-dynamic":
            ort_dynamic(
                whole, args.folder, model.config.num_attention_heads, model.config.hidden_size
            )
        elif args.by == "ort-static":
            ort_static(whole, args.folder, texts)
        else:
            nncf_static(whole, args.folder, texts)
    for name in ("tokenizer.json", "config.json"):
        shutil.copyfile(args.checkpoint / name, args.folder / name)
    print(json.dumps({"by": args.by, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
