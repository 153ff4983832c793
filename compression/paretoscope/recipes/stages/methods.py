"""The methods of the stages: a row here and a file in `pruning/` or `quantization/` for each.

The fields of a stage are defined in the stage's class. `recipes/contracts.py` loads the file of a
row and checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from paretoscope.errors import did_you_mean


@dataclass(frozen=True)
class Method:
    """A method: its name in a recipe, its label on the page, its module and its paper."""

    name: str
    label: str
    module: str
    source: str


@dataclass(frozen=True)
class WeightMethod(Method):
    """A method that prunes single weights."""

    needs: Literal["weights", "inputs", "gradients", "training"] = "weights"
    """Statistics that the method needs.

    None besides the weights, moments of the inputs of each matrix over the calibration split,
    gradients over it, or the weights' movement in retraining.
    """
    score_scope: Literal["matrix", "row"] = "matrix"
    """Weights that are ranked together under `scope: layer`: a matrix, or a row of one output."""
    updates: bool = False
    """Whether it changes the weights that it keeps: the file then has `prune`, not `score`."""


@dataclass(frozen=True)
class StructureCriterion(Method):
    """A criterion for heads, neurons, layers and hidden dimensions."""

    one_scale: bool = False
    """Whether scores of different layers are comparable, as estimates of the same loss."""


@dataclass(frozen=True)
class Rounding(Method):
    """A method that finds the integers of weights."""

    needs_data: bool = False
    """Whether it uses the Hessian of the activations that enter a matrix."""
    rescales: bool = False
    """Whether it scales the inputs of a matrix: its file then has `input_scales` too."""


AnyMethod = TypeVar("AnyMethod", bound=Method)


def _table(*methods: AnyMethod) -> dict[str, AnyMethod]:
    return {method.name: method for method in methods}


WEIGHT_SCORES = _table(
    WeightMethod(
        "magnitude",
        "Magnitude",
        "paretoscope.pruning.criteria.magnitude",
        "Han et al. 2015, arXiv:1506.02626",
    ),
    WeightMethod(
        "wanda",
        "Wanda",
        "paretoscope.pruning.criteria.wanda",
        "Sun et al. 2023, arXiv:2306.11695",
        needs="inputs",
        score_scope="row",
    ),
    WeightMethod(
        "sparsegpt",
        "SparseGPT",
        "paretoscope.pruning.criteria.sparsegpt",
        "Frantar and Alistarh 2023, arXiv:2301.00774",
        "inputs",
        updates=True,
    ),
    WeightMethod(
        "taylor",
        "Taylor",
        "paretoscope.pruning.criteria.taylor",
        "Molchanov et al. 2019, arXiv:1906.10771",
        "gradients",
        "row",
    ),
    WeightMethod(
        "movement",
        "Movement",
        "paretoscope.pruning.criteria.movement",
        "Sanh et al. 2020, arXiv:2005.07683",
        needs="training",
    ),
)
"""Methods of prune-weights; contract: `WeightCriterion`, or `WeightUpdate` with `updates`."""

STRUCTURE_CRITERIA = _table(
    StructureCriterion(
        "magnitude",
        "Magnitude",
        "paretoscope.pruning.criteria.magnitude",
        "Li et al. 2017, arXiv:1608.08710",
    ),
    StructureCriterion(
        "activation",
        "Activation",
        "paretoscope.pruning.criteria.activation",
        "Sun et al. 2023, arXiv:2306.11695; Men et al. 2024, arXiv:2403.03853",
    ),
    StructureCriterion(
        "taylor",
        "Taylor",
        "paretoscope.pruning.criteria.taylor",
        "Michel et al. 2019, arXiv:1905.10650",
        one_scale=True,
    ),
)
"""Criteria of prune-structure and distill; contract: `StructureCriterion`."""

ROUNDINGS = _table(
    Rounding(
        "rtn",
        "Round to nearest",
        "paretoscope.quantization.rounding.rtn",
        "Jacob et al. 2018, arXiv:1712.05877",
    ),
    Rounding(
        "gptq",
        "GPTQ",
        "paretoscope.quantization.rounding.gptq",
        "Frantar et al. 2023, arXiv:2210.17323",
        needs_data=True,
    ),
    Rounding(
        "awq",
        "AWQ",
        "paretoscope.quantization.rounding.awq",
        "Lin et al. 2024, arXiv:2306.00978",
        needs_data=True,
        rescales=True,
    ),
    Rounding(
        "hqq",
        "HQQ",
        "paretoscope.quantization.rounding.hqq",
        "Badri and Shaji 2023, https://mobiusml.github.io/hqq_blog",
    ),
)
"""Roundings of quantize; contract: `rounding.contract.Rounding`."""

CALIBRATIONS = _table(
    Method(
        "minmax",
        "Smallest and largest",
        "paretoscope.quantization.calibration.minmax",
        "Jacob et al. 2018, arXiv:1712.05877",
    ),
    Method(
        "percentile",
        "Percentile",
        "paretoscope.quantization.calibration.percentile",
        "Wu et al. 2020, arXiv:2004.09602",
    ),
    Method(
        "entropy",
        "Entropy",
        "paretoscope.quantization.calibration.entropy",
        "Migacz 2017, 8-bit Inference with TensorRT (GTC s7310)",
    ),
    Method(
        "mse",
        "Least squared error",
        "paretoscope.quantization.calibration.mse",
        "Choukroun et al. 2019, arXiv:1902.06822",
    ),
)
"""Calibrations of quantize; contract: `calibration.contract.Calibration`."""


def known(name: str, table: Mapping[str, Method], field: str) -> str:
    """The name, if the table has it; raises `ValueError` with the nearest name otherwise."""
    if name not in table:
        raise ValueError(f'there is no {field} "{name}"; {did_you_mean(name, table)}'.rstrip("."))
    return name
