"""Two and three bits a weight without training: which rounding, and which matrix gets which bits,
at the same bytes.

No kernel has three bits. Uniform round-to-nearest at three is therefore a graph with fp32 weights
on a three-bit grid, which is no artefact: it is charged with what such codes would take, halfway
between two and four bits. A budget in megabytes is the bytes of the uniform model; there the
embedding and the head may give bits to the encoder.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from benchmarks.encoders.judge import Asked, Judged, bench_of, difference, judge, judged, points
from benchmarks.encoders.minutes import Work
from benchmarks.telling import title, verdict, within
from paretoscope.artifact.pack import CONFIG, MODEL, TOKENIZER, written_bytes
from paretoscope.engine.pipeline import Bench, Made
from paretoscope.graphs.graph import initializers, matrices, save
from paretoscope.keys import content_key
from paretoscope.quantization.embedding import quantize_embedding
from paretoscope.quantization.rounding.quantizer import Quantizer
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize
from paretoscope.trials.trial import Interval

ROUNDINGS = ("gptq", "awq", "hqq")


def run(asked: Asked) -> None:
    for model in asked.models:
        bench = bench_of(asked, model)
        whole = judged(asked, bench, Recipe())
        for bits in (2, 3):
            _compare(asked, bench, whole, bits)


def _compare(asked: Asked, bench: Bench, whole: Judged, bits: int) -> None:
    title(
        "low-bits",
        f"{bench.request.model}, {bits} bits on average; fp32 {whole.accuracy.value:.4f};"
        " differences are to uniform rtn",
    )
    sides = _candidates(asked, bench, bits)
    uniform, size = sides.pop("rtn uniform"), _uniform_bytes(asked, bench, bits)
    _row("rtn uniform", size, uniform, whole, uniform)
    gains = {name: _row(name, found.bytes, found, whole, uniform) for name, found in sides.items()}
    # Every row that was wanted gets its verdict: the best of many would flatter.
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
            f"{within(divergence)} nats{note}",
            fits and divergence.high < 0,
        )


def _candidates(asked: Asked, bench: Bench, bits: int) -> dict[str, Judged]:
    """What is compared, by name."""
    megabytes = (
        int(
            (_uniform_bytes(asked, bench, bits) + written_bytes(bench.request, decoder=False)) / 1e4
        )
        / 100
    )
    found = {
        name: judged(asked, bench, asked.recipe(stage))
        for name, stage in (_stages(bits) | _within(megabytes)).items()
    }
    return {"rtn uniform": _uniform(asked, bench, bits), **found}


def work(asked: Asked, model: str) -> Work:
    uniform = [Quantize(scheme="weight-only", bits=bits) for bits in (2, 4)]
    stages = [stage for bits in (2, 3) for stage in (_stages(bits) | _within(12.0)).values()]
    return Work(tuple(Recipe(stages=(stage,)) for stage in (*uniform, *stages)))


def _stages(bits: int) -> dict[str, Quantize]:
    """At two bits no matrix has bits to give, so only a budget has something to choose."""
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
    name: str, size: int, found: Judged, whole: Judged, uniform: Judged
) -> tuple[Interval, Interval]:
    """Print a model; its gain in accuracy and its difference in KL, over the uniform one."""
    gain = difference(found.right, uniform.right)
    closer = difference(found.divergences(whole), uniform.divergences(whole))
    kl = float(found.divergences(whole).mean())
    print(
        f"  {name:<28} {size / 1e6:6.2f} MB  accuracy {within(found.accuracy, 4)}  KL {kl:.3f} "
        f" {points(gain)}, KL {within(closer)}",
        flush=True,
    )
    return gain, closer


# --- uniform, at a width that has no kernel too ---------------------------------------------------


def _uniform(asked: Asked, bench: Bench, bits: int) -> Judged:
    if bits == 3:
        return judge(asked, bench, _on_three_bit_grid(bench))
    return judged(asked, bench, asked.recipe(Quantize(scheme="weight-only", bits=bits)))


def _uniform_bytes(asked: Asked, bench: Bench, bits: int) -> int:
    """Codes and zero points grow with the bits and the rest does not, so three bits lie halfway
    between two and four.
    """
    at = {
        width: judged(asked, bench, asked.recipe(Quantize(scheme="weight-only", bits=width))).bytes
        for width in (2, 4)
    }
    return at[2] + (at[4] - at[2]) * (bits - 2) // 2


def _on_three_bit_grid(bench: Bench) -> Made:
    """The graph whose encoder is on a grid of eight levels a group, with embedding and head in 8
    bits as everywhere.
    """
    source = bench.make(Recipe()).folder
    key = content_key("three-bit-grid", bench.make(Recipe()).key)

    def make(folder: Path) -> None:
        model = onnx.load(source / MODEL)
        quantizer = Quantizer(Quantize(scheme="weight-only"))
        values = {
            matrix.name: quantizer.stands_for(matrix, 8 if matrix.in_head else 3)
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
