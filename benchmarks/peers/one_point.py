"""One point of a sweep by public tools: torch pruning, torch.onnx.export, onnxruntime.quantization.

It starts from a fine-tuned transformers checkpoint and a file of examples, imports nothing of this
project, and prints bytes and accuracy as one line of JSON.

    python benchmarks/peers/one_point.py CHECKPOINT EXAMPLES.jsonl --sparsity 0.5 --bits 8
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from tokenizers import Tokenizer
from torch import nn
from torch.nn.utils import prune
from transformers import AutoModelForSequenceClassification, PreTrainedModel


def pruned(model: PreTrainedModel, sparsity: float) -> None:
    """Set the smallest weights of every Linear of the encoder to zero."""
    for name, module in model.named_modules():
        if sparsity and isinstance(module, nn.Linear) and ".layer." in name:
            prune.l1_unstructured(module, "weight", amount=sparsity)
            prune.remove(module, "weight")


def exported(model: PreTrainedModel, path: Path) -> None:
    """Export with the TorchScript exporter, with dynamic batch and sequence."""
    ids = torch.full((2, 16), 2000)
    axes = {0: "batch", 1: "sequence"}
    torch.onnx.export(
        model,
        (ids, torch.ones_like(ids)),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def quantized(source: Path, target: Path, bits: int) -> Path:
    """8 bits: dynamic quantization; 4 and 2: weight-only in blocks of 32; 32: unchanged."""
    if bits == 32:
        return source
    if bits == 8:
        quantize_dynamic(source, target)
        return target
    quantizer = MatMulNBitsQuantizer(onnx.load(source), bits=bits, block_size=32, accuracy_level=4)
    quantizer.process()
    quantizer.model.save_model_to_file(str(target))  # pyright: ignore[reportAttributeAccessIssue]
    return target


def accuracy(path: Path, tokenizer: Path, examples: Path, labels: dict[str, int]) -> float:
    """Share of correct predictions, in batches of 32 texts sorted by length."""
    rows = [json.loads(line) for line in examples.read_text(encoding="utf-8").splitlines()]
    tok = Tokenizer.from_file(str(tokenizer))
    tok.enable_truncation(64)
    tok.enable_padding()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rows.sort(key=lambda row: len(row["text"]))
    right = 0
    for start in range(0, len(rows), 32):
        batch = rows[start : start + 32]
        encoded = tok.encode_batch([row["text"] for row in batch])
        ids = np.array([one.ids for one in encoded], dtype=np.int64)
        mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
        answers = np.asarray(
            session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        ).argmax(axis=1)
        right += sum(
            int(answer) == labels[row["label"]] for answer, row in zip(answers, batch, strict=True)
        )
    return right / len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--sparsity", type=float, default=0.0)
    parser.add_argument("--bits", type=int, default=32)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    model = AutoModelForSequenceClassification.from_pretrained(args.checkpoint).eval()
    pruned(model, args.sparsity)
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "model.onnx", Path(folder) / "quantized.onnx"
        exported(model, whole)
        made = quantized(whole, small, args.bits)
        value = accuracy(
            made, args.checkpoint / "tokenizer.json", args.examples, model.config.label2id
        )
        print(
            json.dumps(
                {
                    "sparsity": args.sparsity,
                    "bits": args.bits,
                    "accuracy": value,
                    "model_bytes": made.stat().st_size,
                }
            )
        )


if __name__ == "__main__":
    main()
