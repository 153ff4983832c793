"""Small ONNX classifiers made by hand: embed, average over tokens, multiply. No torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, WIDTH, CLASSES = 1200, 16, 3
MakeArtifact = Callable[..., Path]


def expected_logits(folder: Path, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the model in `folder` must answer for one text, computed with numpy."""
    weights = {
        each.name: numpy_helper.to_array(each)
        for each in onnx.load(folder / "model.onnx").graph.initializer
    }
    return weights["embedding"][ids].mean(axis=0) @ weights["weight"]


def write_classifier(
    folder: Path,
    *,
    seed: int = 0,
    scale: float = 1.0,
    squarings: int = 0,
    inputs: tuple[str, ...] = ("input_ids", "attention_mask"),
) -> Path:
    """`squarings` is how often a [512, 512] matrix is multiplied by itself on the way: what makes a
    slow model.
    """
    random = np.random.default_rng(seed)
    weights = {
        "embedding": random.standard_normal((VOCABULARY, WIDTH)),
        "weight": random.standard_normal((WIDTH, CLASSES)) * scale,
        "big": random.standard_normal((512, 512)) * 1e-3,
    }
    ids, mask = inputs[0], inputs[1]
    nodes = [
        helper.make_node("Gather", ["embedding", ids], ["tokens"]),
        helper.make_node("Cast", [mask], ["ones"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["ones", "last"], ["column"]),
        helper.make_node("Mul", ["tokens", "column"], ["masked"]),
        helper.make_node("ReduceMean", ["masked", "middle"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weight"], ["answer0"]),
    ]
    for at in range(squarings):
        # The sum of an input that is different in every request keeps the runtime from folding this
        # away at load.
        nodes += [
            helper.make_node("ReduceMax", [f"answer{at}"], [f"top{at}"], keepdims=0),
            helper.make_node("Mul", ["big", f"top{at}"], [f"left{at}"]),
            helper.make_node("MatMul", [f"left{at}", "big"], [f"square{at}"]),
            helper.make_node("ReduceMax", [f"square{at}"], [f"most{at}"], keepdims=0),
            helper.make_node("Mul", [f"most{at}", "zero"], [f"nothing{at}"]),
            helper.make_node("Add", [f"answer{at}", f"nothing{at}"], [f"answer{at + 1}"]),
        ]
    nodes.append(helper.make_node("Identity", [f"answer{squarings}"], ["logits"]))
    initializers = [
        numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()
    ]
    initializers += [
        numpy_helper.from_array(np.array([2], dtype=np.int64), "last"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "middle"),
        numpy_helper.from_array(np.array(0, dtype=np.float32), "zero"),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
            for name in inputs
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])],
        initializers,
    )
    folder.mkdir(parents=True)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10),
        folder / "model.onnx",
    )
    (folder / "config.json").write_text(
        json.dumps({"vocab_size": VOCABULARY, "max_position_embeddings": 64})
    )
    return folder
