"""Groups, round to nearest and packing, against their definitions and against ONNX Runtime's own
kernels.
"""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import NodeProto, TensorProto, helper, numpy_helper

from paretoscope.graphs.graph import IR_VERSION, MICROSOFT, OPSET
from paretoscope.quantization.calibration.uint8_grid import activation_grid
from paretoscope.quantization.int8 import per_output
from paretoscope.quantization.packing.groups import pack
from paretoscope.quantization.rounding.rtn import quantize_groups

WEIGHTS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 70)),
    elements=st.floats(-3, 3, width=32),
)


def reference(weight: np.ndarray, bits: int, group_size: int) -> np.ndarray:
    """Round to nearest as Jacob et al. 2018 write it (r = S (q - Z)), S in half precision, in plain
    loops.
    """
    result = np.zeros_like(weight)
    for row in range(weight.shape[0]):
        for start in range(0, weight.shape[1], group_size):
            group = weight[row, start : start + group_size]
            if bits == 8:
                scale, zero = _half(np.abs(group).max() / np.float32(127)), 128
            else:
                low, high = min(group.min(), np.float32(0)), max(group.max(), np.float32(0))
                scale = _half((high - low) / np.float32(2**bits - 1))
                zero = round(float(-low / scale)) if scale else 0
            scale = scale or np.float32(1)
            for place, value in enumerate(group):
                code = min(max(round(float(value / scale)) + zero, 0), 2**bits - 1)
                result[row, start + place] = np.float32(code - zero) * scale
    return result


def _half(scale: np.float32) -> np.float32:
    """In half precision, but not 0 unless it was."""
    return np.float32(np.float16(scale)) or np.float32(2**-24) * bool(scale)


@settings(max_examples=60, deadline=None)
@given(WEIGHTS, st.sampled_from([2, 4, 8]), st.sampled_from([16, 32]))
def test_round_to_nearest_is_the_published_formula(
    weight: np.ndarray, bits: int, group_size: int
) -> None:
    weight = np.where(
        np.abs(weight) < 1e-20, 0, weight
    )  # scales below the smallest normal number are not the point
    groups = quantize_groups(weight, bits, group_size)
    np.testing.assert_allclose(groups.dequantized(), reference(weight, bits, group_size), atol=1e-6)
    assert groups.codes.max() < 2**bits


@settings(max_examples=60, deadline=None)
@given(WEIGHTS, st.sampled_from([2, 4, 8]))
def test_zeros_stay_exactly_zero(weight: np.ndarray, bits: int) -> None:
    weight[:, ::2] = 0
    assert (quantize_groups(weight, bits, 16).dequantized()[:, ::2] == 0).all()
    assert (per_output(weight.T)[0].T[:, ::2] == 0).all()


def test_more_bits_never_err_more() -> None:
    weight = np.random.default_rng(0).normal(size=(16, 128)).astype(np.float32)
    errors = [
        np.square(quantize_groups(weight, bits, 32).dequantized() - weight).sum()
        for bits in (2, 4, 8)
    ]
    assert errors == sorted(errors, reverse=True)
    finer = np.square(quantize_groups(weight, 4, 16).dequantized() - weight).sum()
    assert finer < errors[1]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_packing_can_be_undone(bits: int) -> None:
    codes = np.random.default_rng(1).integers(0, 2**bits, size=(3, 40)).astype(np.uint8)
    packed = pack(codes, bits)
    assert packed.nbytes == codes.size * bits // 8
    unpacked = np.stack(
        [(packed >> (bits * place)) & (2**bits - 1) for place in range(8 // bits)], axis=-1
    ).reshape(3, -1)
    np.testing.assert_array_equal(unpacked, codes)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("inputs", [64, 40])
def test_the_kernel_multiplies_by_what_the_codes_stand_for(bits: int, inputs: int) -> None:
    """MatMulNBits at fp32 accuracy gives x @ dequantized weights, short last group included."""
    generator = np.random.default_rng(2)
    weight, x = (
        generator.normal(size=(8, inputs)).astype(np.float32),
        generator.normal(size=(3, inputs)).astype(np.float32),
    )
    groups = quantize_groups(weight, bits, 32)
    tensors = {"b": groups.packed_blocks(), "s": groups.scales} | (
        {"z": groups.packed_zero_points()} if groups.has_zero_points else {}
    )
    node = helper.make_node(
        "MatMulNBits",
        ["x", *tensors],
        ["y"],
        domain=MICROSOFT,
        K=inputs,
        N=8,
        bits=bits,
        block_size=32,
        accuracy_level=1,
    )
    np.testing.assert_allclose(
        _run(node, tensors, x), x @ groups.dequantized().T, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_kernel_looks_up_what_the_codes_stand_for(bits: int) -> None:
    table = np.random.default_rng(3).normal(size=(20, 48)).astype(np.float32)
    groups = quantize_groups(table, bits, 16)
    tensors = {"d": groups.packed_rows(), "s": groups.scales} | (
        {"z": groups.packed_zero_points()} if groups.has_zero_points else {}
    )
    node = helper.make_node(
        "GatherBlockQuantized",
        ["d", "x", *list(tensors)[1:]],
        ["y"],
        domain=MICROSOFT,
        bits=bits,
        block_size=16,
        gather_axis=0,
        quantize_axis=1,
    )
    ids = np.array([[3, 0, 19]])
    np.testing.assert_allclose(_run(node, tensors, ids), groups.dequantized()[ids], atol=1e-6)


def test_activation_grid_has_zero_on_it_and_covers_the_range() -> None:
    for low, high in [(-1.0, 4.0), (0.5, 2.0), (-3.0, -1.0), (0.0, 0.0)]:
        scale, zero = activation_grid(low, high)
        ends = (np.array([0, 255]) - float(zero)) * float(scale)
        assert ends[0] <= min(low, 0) + float(scale) and ends[1] >= max(high, 0) - float(scale)


def _run(node: NodeProto, tensors: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    kind = TensorProto.INT64 if x.dtype == np.int64 else TensorProto.FLOAT
    graph = helper.make_graph(
        [node],
        "one node",
        [helper.make_tensor_value_info("x", kind, list(x.shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
        ir_version=IR_VERSION,
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"x": x})[0])
