"""Matrices in 2, 4 or 8 bits with a scale for each group, dequantized in the product (MatMulNBits).

Activations are fp32 in the file; the kernel may round them to int8 for each group, without which 8
bits are many times slower than fp32. `packing/operators.py` defines the bytes in a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace as changed

import numpy as np
import onnx

from paretoscope.graphs.external_data import padding_bytes
from paretoscope.graphs.graph import Matrix, embedding, is_decoder_graph, matrices, replace
from paretoscope.quantization.embedding import quantize_embedding, table_parts
from paretoscope.quantization.packing.groups import Groups, blank
from paretoscope.quantization.packing.operators import Packing
from paretoscope.quantization.rescale import rescaled
from paretoscope.quantization.rounding.quantizer import Quantizer, group_size_of
from paretoscope.quantization.widths import widths
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.stages import Quantize
from paretoscope.recipes.stages.methods import ROUNDINGS


def quantize_weights(
    model: onnx.ModelProto, stage: Quantize, context: StageContext
) -> onnx.ModelProto:
    """Replace every constant MatMul by MatMulNBits, and quantize the word embedding.

    `widths.py` chooses the width of each.
    """
    quantizer = Quantizer.of(stage, model, context)
    chosen = widths(model, quantizer, context, lambda: _smallest(model, quantizer))
    scales = {
        matrix.name: quantizer.scales(matrix, chosen[matrix.name])
        for matrix in matrices(model)
        if chosen[matrix.name] != 32
    }
    scales = {name: scale for name, scale in scales.items() if scale is not None}
    return packed(
        rescaled(model, scales) if scales else model,
        chosen,
        quantizer.rescaled(scales).groups,
        stage.frequent_words,
    )


def quantize_tied(model: onnx.ModelProto, stage: Quantize) -> onnx.ModelProto:
    """Round the table of a tied embedding and head to nearest, for an int8 scheme.

    Any other graph is returned unchanged.
    """
    tied = next((matrix for matrix in matrices(model) if matrix.tied), None)
    bits = max(stage.head_bits, stage.embedding_bits)
    if tied is None or bits == 32:
        return model
    quantizer = Quantizer(stage.model_copy(update={"rounding": "rtn"}))
    return packed(
        model,
        {matrix.name: bits if matrix.tied else 32 for matrix in matrices(model)},
        quantizer.groups,
    )


def _smallest(model: onnx.ModelProto, quantizer: Quantizer) -> int:
    """Bytes of the file with every weight in 2 bits, counted on a graph of zero codes."""
    group_size = quantizer.stage.group_size
    if ROUNDINGS[quantizer.stage.rounding].rescales:
        model = rescaled(
            model,
            {
                matrix.name: np.ones(len(matrix.weight), dtype=np.float32)
                for matrix in matrices(model)
                if not matrix.in_head
            },
        )
    chosen = dict.fromkeys(
        [matrix.name for matrix in matrices(model)]
        + ([] if (words := embedding(model)) is None else [words[0].input[0]]),
        2,
    )
    smallest = packed(
        model,
        chosen,
        lambda matrix, bits: blank(
            matrix.weight.shape[::-1], bits, group_size_of(matrix, group_size), quantizer.real
        ),
    )
    return smallest.ByteSize() + (padding_bytes(smallest) if is_decoder_graph(smallest) else 0)


def packed(
    model: onnx.ModelProto,
    chosen: Mapping[str, int],
    rounded: Callable[[Matrix, int], Groups],
    frequent_words: int = 0,
) -> onnx.ModelProto:
    """The graph at the chosen widths, with the groups that `rounded` returns for each matrix.

    A tied table with `frequent_words` is rounded in two parts.
    """
    replaced: dict[str, list[onnx.NodeProto]] = {}
    packing = Packing()
    words = embedding(model)
    for matrix in matrices(model):
        bits = chosen[matrix.name]
        if bits == 32:
            continue
        whole = ("", 0, matrix.weight.shape[1], bits)
        parts = [
            packing.store(
                f"{matrix.name}{ending}",
                rounded(changed(matrix, weight=matrix.weight[:, start:stop]), width),
            )
            for ending, start, stop, width in (
                table_parts(matrix.weight.shape[1], bits, frequent_words)
                if matrix.tied
                else [whole]
            )
        ]
        if matrix.tied and words is not None:
            packing.look_up(parts, words[0])
            replaced[words[0].name] = packing.consumed()
        packing.multiply(matrix.node.input[0], parts, matrix.node)
        replaced[matrix.node.name] = packing.consumed()
    bits = 32 if words is None or words[0].name in replaced else chosen[words[0].input[0]]
    return quantize_embedding(replace(model, replaced, packing.added), bits, frequent_words)
