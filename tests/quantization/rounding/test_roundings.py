"""What every rounding promises, and each one's own mathematics written out naively."""

from __future__ import annotations

import numpy as np
import pytest

from paretoscope.quantization.packing.groups import in_groups
from paretoscope.quantization.rounding import awq, gptq, hqq, rtn
from paretoscope.quantization.rounding.grid import Grid
from paretoscope.quantization.rounding.grid_search import diagonal_blocks, searched_grid
from paretoscope.quantization.rounding.rtn import grid
from paretoscope.recipes.stages import BITS
from paretoscope.recipes.stages.methods import ROUNDINGS
from tests.quantization.rounding.roundings import effective, inputs_of, layer, output_error

EVERY = pytest.mark.parametrize("name", list(ROUNDINGS))
WIDTHS = pytest.mark.parametrize("bits", BITS)
BY_DATA = [name for name, rounding in ROUNDINGS.items() if rounding.needs_data]


# --- every rounding -------------------------------------------------------------------------------


@EVERY
@WIDTHS
@pytest.mark.parametrize("inputs", [48, 40])
def test_codes_and_bytes_are_as_many_as_promised(name: str, bits: int, inputs: int) -> None:
    weight, x = layer(inputs=inputs)
    groups = effective(name, weight, bits, 16, inputs_of(x))[1]
    assert groups.codes.shape == weight.shape and groups.codes.max() < 2**bits
    assert groups.scales.shape == groups.zero_points.shape == (12, 3)
    assert groups.scales.dtype == np.float32 and (groups.scales > 0).all()
    assert groups.packed_blocks().nbytes == 12 * 3 * 16 * bits // 8
    assert groups.has_zero_points == (bits < 8)


@EVERY
@WIDTHS
def test_zeros_stay_exactly_zero(name: str, bits: int) -> None:
    weight, x = layer()
    weight[np.random.default_rng(1).random(weight.shape) < 0.5] = 0
    weight[3] = 0
    result, groups = effective(name, weight, bits, 16, inputs_of(x))
    assert (result[weight == 0] == 0).all()
    assert (groups.codes == np.repeat(groups.zero_points, 16, axis=1))[weight == 0].all()


@EVERY
def test_the_same_weights_give_the_same_codes(name: str) -> None:
    weight, x = layer()
    first, second = (
        effective(name, weight.copy(), 4, 16, inputs_of(x.copy()))[1] for _ in range(2)
    )
    assert (first.codes == second.codes).all() and (first.scales == second.scales).all()


@EVERY
def test_eight_bits_are_nearly_the_identity_and_more_bits_err_less(name: str) -> None:
    weight, x = layer()
    errors = [
        output_error(effective(name, weight, bits, 16, inputs_of(x))[0], weight, x) for bits in BITS
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-4 * output_error(np.zeros_like(weight), weight, x)


@pytest.mark.parametrize("name", BY_DATA)
@WIDTHS
@pytest.mark.parametrize("seed", range(4))
def test_with_data_no_layer_errs_more_than_round_to_nearest(
    name: str, bits: int, seed: int
) -> None:
    weight, x = layer(seed=seed)
    nearest = output_error(rtn.quantize_groups(weight, bits, 16).dequantized(), weight, x)
    assert output_error(
        effective(name, weight, bits, 16, inputs_of(x))[0], weight, x
    ) <= nearest * (1 + 1e-5)


@pytest.mark.parametrize("name", BY_DATA)
def test_with_data_two_bits_err_much_less_than_round_to_nearest(name: str) -> None:
    weight, x = layer(outputs=32, inputs=96)
    nearest = output_error(rtn.quantize_groups(weight, 2, 32).dequantized(), weight, x)
    assert output_error(effective(name, weight, 2, 32, inputs_of(x))[0], weight, x) < 0.6 * nearest


@EVERY
def test_inputs_that_never_occur_do_no_harm(name: str) -> None:
    weight, x = layer()
    x[:, :20] = 0
    result = effective(name, weight, 4, 16, inputs_of(x))[0]
    assert np.isfinite(result).all() and np.abs(result[:, :20] - weight[:, :20]).max() < 2


# --- grid search ----------------------------------------------------------------------------------


@WIDTHS
def test_a_searched_grid_never_errs_more_than_the_whole_range(bits: int) -> None:
    weight, x = layer()
    grouped, blocks = in_groups(weight, 16), diagonal_blocks(inputs_of(x).hessian, 16)

    def error(grid: Grid) -> np.ndarray:
        d = grid.rounded(grouped) - grouped
        return np.array(
            [
                [d[row, group] @ blocks[group] @ d[row, group] for group in range(3)]
                for row in range(12)
            ]
        )

    searched, whole = error(searched_grid(grouped, bits, blocks)), error(grid(grouped, bits))
    assert (searched <= whole * (1 + 1e-5)).all()
    assert searched.sum() < whole.sum() or bits == 8


# --- GPTQ -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", [48, 150])
def test_gptq_is_optimal_brain_quantization_in_a_fixed_order(inputs: int) -> None:
    """The paper's Cholesky form against OBQ (arXiv:2208.11580): the inverse Hessian of the columns
    that are left, formed anew at every step.
    """
    weight, x = layer(outputs=3, inputs=inputs, tokens=2 * inputs)
    hessian = inputs_of(x).hessian
    levels = grid(in_groups(weight, 16), 2)
    scales, points = levels.scales, levels.zero_points
    codes = gptq._compensated(weight, levels, 16, hessian)
    damped = hessian.astype(np.float64) + 0.01 * np.diag(hessian).mean() * np.eye(inputs)
    left = weight.astype(np.float64)
    expected = np.zeros(weight.shape, dtype=np.uint8)
    order = list(np.argsort(-np.diag(hessian), kind="stable"))
    for step, column in enumerate(order):
        scale, point = scales[:, column // 16], points[:, column // 16]
        code = np.clip(np.rint(left[:, column] / scale) + point, 0, 3)
        expected[:, column] = code
        rest = order[step:]
        inverse = np.linalg.inv(damped[np.ix_(rest, rest)])
        left[:, rest] -= np.outer(
            (left[:, column] - scale * (code - point)) / inverse[0, 0], inverse[0]
        )
    assert (
        codes == expected
    ).mean() > 0.99  # float32 against float64: a weight on the border may fall to either side


def test_gptq_on_independent_inputs_is_the_nearest_level() -> None:
    weight, _ = layer()
    hessian = np.eye(48, dtype=np.float32)
    np.testing.assert_array_equal(
        gptq.quantize_groups(weight, 4, 16, hessian).codes,
        gptq.quantize_groups(weight, 4, 16).codes,
    )


def test_the_factor_is_that_of_the_inverse() -> None:
    hessian = inputs_of(layer()[1]).hessian
    factor = gptq.inverse_factor(hessian)
    assert (np.tril(factor, -1) == 0).all()
    damped = hessian + 0.01 * np.diag(hessian).mean() * np.eye(48)
    np.testing.assert_allclose(factor.T @ factor @ damped, np.eye(48), atol=1e-3)


# --- AWQ ------------------------------------------------------------------------------------------


def test_awq_takes_the_alpha_of_least_output_error() -> None:
    weight, x = layer()
    magnitude = np.abs(x).mean(axis=0)
    found = []
    for alpha in np.linspace(0, 1, 11):
        scales = magnitude**alpha
        scales /= np.sqrt(scales.max() * scales.min())
        groups = rtn.quantize_groups((weight * scales).astype(np.float32), 4, 16)
        found.append((output_error(groups.dequantized() / scales, weight, x), scales))
    best = min(found, key=lambda pair: pair[0])[1]
    np.testing.assert_allclose(awq.input_scales(weight, 4, 16, inputs_of(x)), best, rtol=1e-4)


# --- HQQ ------------------------------------------------------------------------------------------


@WIDTHS
def test_hqq_lowers_its_own_norm(bits: int) -> None:
    weight = np.random.default_rng(0).standard_t(4, size=(16, 128)).astype(np.float32)

    grouped = in_groups(weight, 32)

    def norm(fitted: Grid) -> float:
        return float(
            (
                np.abs((fitted.rounded(grouped) - grouped) / grid(grouped, bits).scales[..., None])
                ** 0.7
            ).sum()
        )

    assert (
        norm(hqq.fitted_grid(grouped, bits))
        < 0.999 * norm(searched_grid(grouped, bits))
        <= norm(grid(grouped, bits))
    )


def test_shrinkage_is_the_published_operator() -> None:
    x = np.linspace(-2, 2, 41, dtype=np.float32)
    x = x[x != 0]
    expected = [np.sign(v) * max(abs(v) - abs(v) ** (0.7 - 1) / 10, 0) for v in x.astype(float)]
    np.testing.assert_allclose(hqq.shrunk(x, 10.0), expected, rtol=1e-5, atol=1e-6)
