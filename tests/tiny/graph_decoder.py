"""A decoder's folder made by hand, for tests of measuring that need no torch: its answer is the
mean of what it has read so far.

`embedding` [vocabulary, width] looks a token up, the cache holds what was looked up, and the mean
over all tokens so far times `head` [width, vocabulary] are the logits. So numpy can say what every
number has to be.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

VOCABULARY, WIDTH, CONTEXT = 64, 8, 2048
WORDS = "the a of in to and said is was it for on that with by at he as be from".split()


def toy_decoder(folder: Path, *, seed: int = 0, noise: float = 0.0) -> Path:
    """A folder with model.onnx, score.onnx, config.json and tokenizer.json; `noise` moves the head,
    as compression would.
    """
    folder.mkdir(parents=True, exist_ok=True)
    embedding, head = weights(seed, noise)
    onnx.save(_graph(embedding, head, every_token=False), folder / "model.onnx")
    onnx.save(_graph(embedding, head, every_token=True), folder / "score.onnx")
    config = {
        "vocab_size": VOCABULARY,
        "max_position_embeddings": CONTEXT,
        "architectures": ["ToyForCausalLM"],
    }
    (folder / "config.json").write_text(json.dumps(config))
    entries = {
        word: number
        for number, word in enumerate(
            [*WORDS, *(f"word{number}" for number in range(VOCABULARY - len(WORDS)))]
        )
    }
    tokenizer = Tokenizer(models.WordLevel(entries, unk_token="the"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def weights(seed: int = 0, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """`embedding` and `head` in float32."""
    random = np.random.default_rng(seed)
    embedding, head = (
        random.normal(size=(VOCABULARY, WIDTH)),
        random.normal(size=(WIDTH, VOCABULARY)),
    )
    return embedding.astype(np.float32), (head + noise * random.normal(size=head.shape)).astype(
        np.float32
    )


def logits(ids: np.ndarray, seed: int = 0, noise: float = 0.0) -> np.ndarray:
    """What the model says after each token: [tokens] -> [tokens, vocabulary]."""
    embedding, head = weights(seed, noise)
    return embedding[ids].cumsum(axis=0) / np.arange(1, len(ids) + 1)[:, None] @ head


def _graph(embedding: np.ndarray, head: np.ndarray, *, every_token: bool) -> onnx.ModelProto:
    constants = {
        "embedding.word": embedding,
        "head.0": head,
        "cache": np.array([0, 1, -1, WIDTH], dtype=np.int64),
        "flat": np.array([0, -1, WIDTH], dtype=np.int64),
        "tokens": np.array(2, dtype=np.int64),
        "one": np.array(1, dtype=np.int64),
        "first": np.array([1], dtype=np.int64),
        "last": np.array([-1], dtype=np.int64),
        "end": np.array([2**31], dtype=np.int64),
    }
    node = helper.make_node
    nodes = [
        node("Gather", ["embedding.word", "input_ids"], ["looked"]),
        node("Reshape", ["looked", "cache"], ["looked.cache"]),
        node("Concat", ["past_key_values.0.key", "looked.cache"], ["present.0.key"], axis=2),
        node("Concat", ["past_key_values.0.value", "looked.cache"], ["present.0.value"], axis=2),
        node("CumSum", ["present.0.key", "tokens"], ["sums"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("CumSum", ["mask", "one"], ["counts"]),
        node("Unsqueeze", ["counts", "last"], ["counts.row"]),
        node("Reshape", ["sums", "flat"], ["sums.flat"]),
        node("Div", ["sums.flat", "counts.row"], ["means"]),
        (
            node("Shape", ["input_ids"], ["shape"], start=1)
            if every_token
            else node("Identity", ["first"], ["shape"])
        ),
        node("Neg", ["shape"], ["from"]),
        node("Slice", ["means", "from", "end", "first"], ["read"]),
        node("MatMul", ["read", "head.0"], ["logits"]),
    ]
    ids = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", length])
        for name, length in (("input_ids", "n"), ("attention_mask", "m"))
    ]
    past = [
        helper.make_tensor_value_info(
            f"past_key_values.0.{kind}", TensorProto.FLOAT, ["batch", 1, "past", WIDTH]
        )
        for kind in ("key", "value")
    ]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "k", VOCABULARY])
    ]
    outputs += [
        helper.make_tensor_value_info(
            f"present.0.{kind}", TensorProto.FLOAT, ["batch", 1, "m", WIDTH]
        )
        for kind in ("key", "value")
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "toy", [*ids, *past], outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
