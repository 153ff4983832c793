"""Three and two and a half bits on average: round to nearest against GPTQ, AWQ and HQQ, with bits
by error and by sensitivity, at the same bytes.

An average lies between widths that have kernels, so every matrix takes 2, 4 or 8 bits. The budget
in megabytes is what round to nearest takes at that average; there the table of words may give bits
to the layers.
"""

from __future__ import annotations

from benchmarks.decoders.judge import Asked, Found, Row, Stages, beats, scored
from paretoscope.artifact.pack import written_bytes

AVERAGES = (3, 2.5)
ROUNDINGS = ("gptq", "awq", "hqq")
AT_MOST = {3: 0.85}
"""Share of round to nearest's perplexity that GPTQ with allocation may have, at an average of bits.
"""
PLAIN, BEST = "rtn by error", "gptq by sensitivity"


def candidates(bits: float) -> dict[str, Stages]:
    """What is compared at an average, by name; `PLAIN` is what the others are held against."""
    plain = {"kind": "quantize", "scheme": "weight-only", "bits": bits}
    found: dict[str, Stages] = {PLAIN: [plain]}
    found |= {f"{name} by error": [plain | {"rounding": name}] for name in ROUNDINGS}
    found |= {
        f"{name} by sensitivity": [plain | {"rounding": name, "allocation": "sensitivity"}]
        for name in ("rtn", *ROUNDINGS)
    }
    return found


def within_budget(megabytes: float) -> dict[str, Stages]:
    """The same bytes for the whole artefact."""
    budget = {
        "kind": "quantize",
        "scheme": "weight-only",
        "max_mb": megabytes,
        "allocation": "sensitivity",
    }
    return {
        f"{name} by sensitivity, budget": [budget | {"rounding": name}] for name in ("rtn", "gptq")
    }


def run(asked: Asked) -> None:
    found = Found("low-bits", asked)
    bench = asked.bench()
    found.row(scored(bench, "fp32", []))
    for bits in AVERAGES:
        named = {
            name: found.row(scored(bench, f"{bits:g} bits {name}", stages))
            for name, stages in candidates(bits).items()
        }
        plain = named[PLAIN]
        if plain.bytes:
            megabytes = int((plain.bytes + written_bytes(bench.request, decoder=True)) / 1e4) / 100
            named |= {
                name: found.row(scored(bench, f"{bits:g} bits {name}", stages))
                for name, stages in within_budget(megabytes).items()
            }
        _judge(found, bits, named)
    found.write()


def _judge(found: Found, bits: float, named: dict[str, Row]) -> None:
    plain, share = named[PLAIN], AT_MOST.get(int(bits)) if float(bits).is_integer() else None
    wanted = f"{bits:g} bits: {{}} better in perplexity than rtn at the same bytes"
    for name in (BEST, f"{BEST}, budget"):
        if name in named and _no_larger(named[name], plain):
            beats(
                found,
                named[name],
                plain,
                f"{name}, {wanted.format(f'{1 - share:.0%}' if share else 'is')}",
                at_most=share or 1.0,
            )


def _no_larger(row: Row, plain: Row) -> bool:
    """Whether it takes the bytes of the plain one; by sensitivity the same average may come out a
    step apart.
    """
    return row.bytes is None or plain.bytes is None or row.bytes <= plain.bytes * 1.01
