"""The methods that carry out stages: one row each here, and one file each under `pruning/` and
`quantization/`.

What a stage is, and which fields it has besides the name of a method, is `stages/`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from paretoscope.errors import did_you_mean


@dataclass(frozen=True)
class Method:
    """One way to carry out a stage: its name in a recipe, its name for a person, its file."""

    name: str
    label: str
    module: str
    source: str


@dataclass(frozen=True)
class WeightMethod(Method):
    """A way to prune single weights, and what it is to be given."""

    needs: Literal["weights", "inputs", "gradients", "training"] = "weights"
    """The weights alone; the inputs of each matrix over the calibration split, or gradients over
    it; or the steps of retraining.
    """
    score_scope: Literal["matrix", "row"] = "matrix"
    """With whom a weight competes under `scope: layer`: its whole matrix, or the weights of the
    same output.
    """
    updates: bool = False
    """Whether it also changes the weights that stay: then the file has `prune` in place of `score`.
    """


@dataclass(frozen=True)
class StructureCriterion(Method):
    """A way to choose heads, neurons, layers or dimensions."""

    one_scale: bool = False
    """Whether scores of different layers can be compared as they are, because all estimate the same
    loss.
    """


@dataclass(frozen=True)
class Rounding(Method):
    """A method that finds integers for weights, and what it needs for that."""

    needs_data: bool = False
    """Whether it uses the Hessian of the activations that enter a matrix."""
    rescales: bool = False
    """Whether its file also has `input_scales(weight, bits, group_size, inputs, real)`, which the
    graph takes back elsewhere.
    """


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
"""Which weights go first. The file has `score(weight, statistics) -> scores`, highest kept, or
`prune(weight, gram, ...) -> weight`.
"""

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
"""Which heads, neurons, layers or dimensions go first. The file has `score_units`, `score_layers`
and `score_hidden`, highest kept.
"""

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
"""How a weight finds its integer. The file has `quantize_groups(weight, bits, group_size, hessian,
real)`.
"""

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
"""How the range of an activation is found. The file has `clipped_range(histogram) -> (low, high)`.
"""


def known(name: str, table: Mapping[str, Method], field: str) -> str:
    """The name, if a row has it; raises `ValueError` with the nearest one otherwise."""
    if name not in table:
        raise ValueError(f'there is no {field} "{name}"; {did_you_mean(name, table)}'.rstrip("."))
    return name
