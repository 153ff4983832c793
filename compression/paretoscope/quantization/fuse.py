"""Fuse operators around integer matrices: biases, and attention with its projection.

The mathematics is unchanged: every number is rounded where it was before. Together with norms that
are not fused with their residual (`graphs/encoder.py`) this reduced MiniLM from 4.5 to 2.9 ms for a
request of 32 tokens on one core with VNNI.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import onnx
from onnx import helper

from paretoscope.graphs.graph import MICROSOFT, initializers, replace

BIAS_INPUT = {"DynamicQuantizeMatMul": 4, "MatMulIntegerToFloat": 6}
"""Index of the bias [outputs] among the inputs of integer multiplications."""

Nodes = Mapping[str, onnx.NodeProto]


def fuse(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of an int8 graph with the same results and fewer operators."""
    return _biases_inside(_projections_inside(model))


def _projections_inside(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace integer multiplication, Split and MultiHeadAttention by one QAttention."""
    makers, readers = _by_output(model), _readers(model)
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        if (
            node.op_type != "MultiHeadAttention"
            or len(node.input) != 5
            or [each.name for each in node.attribute] != ["num_heads"]
        ):
            continue
        split = makers.get(node.input[0])
        if split is None or split.op_type != "Split" or list(split.output) != list(node.input[:3]):
            continue
        product = makers.get(split.input[0])
        if product is None or product.op_type not in BIAS_INPUT or readers[product.output[0]] != 1:
            continue
        replaced |= {product.name: [], split.name: [], node.name: _attention(product, node)}
    return replace(model, replaced, {})


def _attention(product: onnx.NodeProto, attention: onnx.NodeProto) -> list[onnx.NodeProto]:
    """QAttention that replaces `product` [.., 3 * width] and the attention over its three parts."""
    bias, mask = attention.input[3:]
    nodes: list[onnx.NodeProto] = []
    if product.op_type == "DynamicQuantizeMatMul":
        x, weight, scales = product.input
        small, scale, zero = (f"{product.name}.{part}" for part in ("quantized", "scale", "zero"))
        nodes.append(
            helper.make_node("DynamicQuantizeLinear", [x], [small, scale, zero], name=small)
        )
    else:
        small, weight, scale, scales, zero = product.input
    inputs = [small, weight, bias, scale, scales, mask, zero]
    heads = attention.attribute[0].i
    nodes.append(
        helper.make_node(
            "QAttention",
            inputs,
            attention.output,
            name=attention.name,
            domain=MICROSOFT,
            num_heads=heads,
        )
    )
    return nodes


def _biases_inside(model: onnx.ModelProto) -> onnx.ModelProto:
    """Make biases after an integer multiplication its last input."""
    makers, readers, constants = _by_output(model), _readers(model), initializers(model)
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        product = makers.get(node.input[0]) if node.input else None
        if product is None or product.op_type not in BIAS_INPUT or readers[product.output[0]] != 1:
            continue
        bias, after = _without_bias(node)
        if bias is None or bias not in constants or len(constants[bias].dims) != 1:
            continue
        biased = onnx.NodeProto()
        biased.CopyFrom(product)
        biased.input.extend([""] * (BIAS_INPUT[product.op_type] - len(biased.input)))
        biased.input.append(bias)
        if after is None:
            biased.output[:] = node.output
        replaced |= {product.name: [biased], node.name: [after] if after is not None else []}
    return replace(model, replaced, {})


def _without_bias(node: onnx.NodeProto) -> tuple[str | None, onnx.NodeProto | None]:
    """The bias that `node` adds to its first input, if any, and the node without the bias."""
    match node.op_type, len(node.input):
        case "Add", 2:
            return node.input[1], None
        case "Sum", 3:
            return node.input[2], helper.make_node(
                "Sum", node.input[:2], node.output, name=node.name
            )
        case "BiasGelu", 2:
            return node.input[1], helper.make_node(
                "Gelu", node.input[:1], node.output, name=node.name, domain=MICROSOFT
            )
        case "FastGelu", 2:
            return node.input[1], helper.make_node(
                "FastGelu", node.input[:1], node.output, name=node.name, domain=MICROSOFT
            )
        case _:
            return None, None


def _by_output(model: onnx.ModelProto) -> Nodes:
    return {name: node for node in model.graph.node for name in node.output}


def _readers(model: onnx.ModelProto) -> Counter[str]:
    """How often each value is read, by nodes or as an output of the graph."""
    found = Counter(name for node in model.graph.node for name in node.input)
    found.update(output.name for output in model.graph.output)
    return found
