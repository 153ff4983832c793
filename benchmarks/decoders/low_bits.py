"""3 and 2.5 bits on average: round-to-nearest, GPTQ, AWQ and HQQ at the same bytes.

Bits are allocated by error or by sensitivity. Kernels exist for 2, 4 and 8 bits, so each matrix has
one of these widths. With a budget in megabytes, equal to the bytes of round-to-nearest, bits can
also move from the embedding to the layers.
"""

from __future__ import annotations

from benchmarks.decoders.evaluation import Options, Report, Row, Stages, beats, scored
from benchmarks.decoders.expected_minutes import Workload
from paretoscope.artifact.pack import written_bytes

AVERAGES = (3, 2.5)
ROUNDINGS = ("gptq", "awq", "hqq")
AT_MOST = {3: 0.85}
"""Average bits -> highest perplexity of GPTQ with allocation, as a share of round-to-nearest's."""
PLAIN, BEST = "rtn by error", "gptq by sensitivity"


def candidates(bits: float) -> dict[str, Stages]:
    """The models compared at an average number of bits, by name; `PLAIN` is the reference."""
    plain = {"kind": "quantize", "scheme": "weight-only", "bits": bits}
    found: dict[str, Stages] = {PLAIN: [plain]}
    found |= {f"{name} by error": [plain | {"rounding": name}] for name in ROUNDINGS}
    found |= {
        f"{name} by sensitivity": [plain | {"rounding": name, "allocation": "sensitivity"}]
        for name in ("rtn", *ROUNDINGS)
    }
    return found


def within_budget(megabytes: float) -> dict[str, Stages]:
    """Models whose whole artefact takes at most that many megabytes."""
    budget = {
        "kind": "quantize",
        "scheme": "weight-only",
        "max_mb": megabytes,
        "allocation": "sensitivity",
    }
    return {
        f"{name} by sensitivity, budget": [budget | {"rounding": name}] for name in ("rtn", "gptq")
    }


def run(options: Options) -> None:
    report = Report("low-bits", options)
    bench = options.bench()
    report.add(scored(bench, "fp32", []))
    for bits in AVERAGES:
        named = {
            name: report.add(scored(bench, f"{bits:g} bits {name}", stages))
            for name, stages in candidates(bits).items()
        }
        plain = named[PLAIN]
        if plain.bytes:
            megabytes = int((plain.bytes + written_bytes(bench.request, decoder=True)) / 1e4) / 100
            named |= {
                name: report.add(scored(bench, f"{bits:g} bits {name}", stages))
                for name, stages in within_budget(megabytes).items()
            }
        _check(report, bits, named)
    report.write()


def workload() -> Workload:
    models = {
        f"{bits:g} bits {name}": stages
        for bits in AVERAGES
        for name, stages in (candidates(bits) | within_budget(100.0)).items()
    }
    return Workload({"fp32": [], **models})


def _check(report: Report, bits: float, named: dict[str, Row]) -> None:
    plain, share = named[PLAIN], AT_MOST.get(int(bits)) if float(bits).is_integer() else None
    target = f"{bits:g} bits: {{}} better in perplexity than rtn at the same bytes"
    for name in (BEST, f"{BEST}, budget"):
        if name in named and _no_larger(named[name], plain):
            beats(
                report,
                named[name],
                plain,
                f"{name}, {target.format(f'{1 - share:.0%}' if share else 'is')}",
                at_most=share or 1.0,
            )


def _no_larger(row: Row, plain: Row) -> bool:
    """Whether it is no larger than the reference; allocations may differ by up to 1 %."""
    return row.bytes is None or plain.bytes is None or row.bytes <= plain.bytes * 1.01
