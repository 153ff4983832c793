"""2 and 3 bits per weight without training: roundings and bit allocations at the same bytes.

There is no 3-bit kernel. Uniform round-to-nearest at 3 bits is a graph with fp32 weights on a 3-bit
grid; its bytes are counted halfway between 2 and 4 bits. A budget in megabytes equals the bytes of
the uniform model; it can also move bits from the embedding and the head to the encoder.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from benchmarks.encoders.evaluation import (
    Evaluated,
    Options,
    bench_of,
    difference,
    evaluate_made,
    evaluated,
    points,
)
from benchmarks.encoders.expected_minutes import Workload
from benchmarks.verdicts import title, verdict, with_interval
from paretoscope.artifact.pack import CONFIG, MODEL, TOKENIZER, written_bytes
from paretoscope.engine.build import Bench, Made
from paretoscope.graphs.graph import initializers, matrices, save
from paretoscope.keys import content_key
from paretoscope.quantization.embedding import quantize_embedding
from paretoscope.quantization.rounding.quantizer import Quantizer
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize
from paretoscope.trials.trial import Interval

ROUNDINGS = ("gptq", "awq", "hqq")


def run(options: Options) -> None:
    for model in options.models:
        bench = bench_of(options, model)
        baseline = evaluated(options, bench, Recipe())
        for bits in (2, 3):
            _compare(options, bench, baseline, bits)


def _compare(options: Options, bench: Bench, baseline: Evaluated, bits: int) -> None:
    title(
        "low-bits",
        f"{bench.request.model}, {bits} bits on average; fp32 {baseline.accuracy.value:.4f};"
        " differences are to uniform rtn",
    )
    sides = _candidates(options, bench, bits)
    uniform, size = sides.pop("rtn uniform"), _uniform_bytes(options, bench, bits)
    _row("rtn uniform", size, uniform, baseline, uniform)
    gains = {
        name: _row(name, found.bytes, found, baseline, uniform) for name, found in sides.items()
    }
    # Each target row gets a verdict: the best of many would be biased upwards.
    for name in [name for name in gains if name.startswith(("gptq", "rtn by"))]:
        accuracy, divergence = gains[name]
        fits = sides[name].bytes <= size
        note = "" if fits else f", but {sides[name].bytes:,} bytes of {size:,}"
        verdict(
            f"{name} beats uniform rtn at the same bytes, accuracy",
            f"{points(accuracy)}{note}",
            fits and accuracy.low > 0,
        )
        verdict(
            f"{name} beats uniform rtn at the same bytes, KL",
            f"{with_interval(divergence)} nats{note}",
            fits and divergence.high < 0,
        )


def _candidates(options: Options, bench: Bench, bits: int) -> dict[str, Evaluated]:
    """The models that are compared, by name."""
    size = _uniform_bytes(options, bench, bits) + written_bytes(bench.request, decoder=False)
    megabytes = int(size / 1e4) / 100
    found = {
        name: evaluated(options, bench, options.recipe(stage))
        for name, stage in (_stages(bits) | _within(megabytes)).items()
    }
    return {"rtn uniform": _uniform(options, bench, bits), **found}


def workload(options: Options, model: str) -> Workload:
    uniform = [Quantize(scheme="weight-only", bits=bits) for bits in (2, 4)]
    stages = [stage for bits in (2, 3) for stage in (_stages(bits) | _within(12.0)).values()]
    return Workload(tuple(Recipe(stages=(stage,)) for stage in (*uniform, *stages)))


def _stages(bits: int) -> dict[str, Quantize]:
    """At an average of 2 bits every matrix has 2, so only a budget can allocate bits."""
    stages = {name: Quantize(scheme="weight-only", bits=bits, rounding=name) for name in ROUNDINGS}
    if bits == 3:
        by_error = {"rtn by error": Quantize(scheme="weight-only", bits=bits)}
        stages = by_error | {f"{name} by error": stage for name, stage in stages.items()}
        stages["gptq by sensitivity"] = Quantize(
            scheme="weight-only", bits=bits, rounding="gptq", allocation="sensitivity"
        )
    return stages


def _within(megabytes: float) -> dict[str, Quantize]:
    budget = Quantize(scheme="weight-only", max_mb=megabytes, allocation="sensitivity")
    return {
        f"{rounding} by sensitivity, budget": budget.model_copy(update={"rounding": rounding})
        for rounding in ("rtn", "gptq")
    }


def _row(
    name: str, size: int, found: Evaluated, baseline: Evaluated, uniform: Evaluated
) -> tuple[Interval, Interval]:
    """Print a model; return its differences in accuracy and KL from the uniform model."""
    gain = difference(found.correct, uniform.correct)
    closer = difference(found.divergences(baseline), uniform.divergences(baseline))
    kl = float(found.divergences(baseline).mean())
    accuracy = with_interval(found.accuracy, 4)
    print(
        f"  {name:<28} {size / 1e6:6.2f} MB  accuracy {accuracy}  KL {kl:.3f}  {points(gain)},"
        f" KL {with_interval(closer)}",
        flush=True,
    )
    return gain, closer


# --- uniform round-to-nearest ---------------------------------------------------------------------


def _uniform(options: Options, bench: Bench, bits: int) -> Evaluated:
    if bits == 3:
        return evaluate_made(options, bench, _on_three_bit_grid(bench))
    return evaluated(options, bench, options.recipe(Quantize(scheme="weight-only", bits=bits)))


def _uniform_bytes(options: Options, bench: Bench, bits: int) -> int:
    """Only codes and zero points grow with the bits, so 3 bits lie halfway between 2 and 4."""
    at = {
        width: evaluated(
            options, bench, options.recipe(Quantize(scheme="weight-only", bits=width))
        ).bytes
        for width in (2, 4)
    }
    return at[2] + (at[4] - at[2]) * (bits - 2) // 2


def _on_three_bit_grid(bench: Bench) -> Made:
    """The graph with encoder weights on 8 levels per group, and embedding and head in 8 bits."""
    source = bench.make(Recipe()).folder
    key = content_key("three-bit-grid", bench.make(Recipe()).key)

    def make(folder: Path) -> None:
        model = onnx.load(source / MODEL)
        quantizer = Quantizer(Quantize(scheme="weight-only"))
        values = {
            matrix.name: quantizer.dequantized(matrix, 8 if matrix.in_head else 3)
            for matrix in matrices(model)
        }
        save(quantize_embedding(_with_values(model, values), 8), folder / MODEL)
        for name in (TOKENIZER, CONFIG):
            shutil.copyfile(source / name, folder / name)

    return Made(key, bench.cache.folder(key, make))


def _with_values(model: onnx.ModelProto, values: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    tensors = initializers(model)
    for name, value in values.items():
        tensors[name].CopyFrom(numpy_helper.from_array(value, name))
    return model
