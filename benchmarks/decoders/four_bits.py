"""Four bits and a little more: size, perplexity and tokens per second, each timed in turns with
fp32 as the product does it.
"""

from __future__ import annotations

from benchmarks.decoders.judge import Asked, Found, Row, Stages, percent, timed

MOST_CHANGE, LEAST_SMALLER, LEAST_FASTER = 0.02, 6.0, 3.0


def _weights(**fields: object) -> Stages:
    return [{"kind": "quantize", "scheme": "weight-only", **fields}]


RECIPES: dict[str, Stages] = {
    "8 bits": _weights(bits=8),
    "4 bits, table 8": _weights(bits=4),
    "4 bits, table 4": _weights(bits=4, embedding_bits=4, head_bits=4),
    "4 bits gptq, table 8": _weights(bits=4, rounding="gptq"),
    "4 bits gptq, table 4": _weights(bits=4, rounding="gptq", embedding_bits=4, head_bits=4),
    "4.5 bits gptq by sensitivity": _weights(
        bits=4.5, rounding="gptq", allocation="sensitivity", embedding_bits=4, head_bits=4
    ),
    "4 bits real, table 8": _weights(bits=4, zero_point="real"),
    "4 bits real, table 4": _weights(bits=4, zero_point="real", embedding_bits=4, head_bits=4),
    "4 bits real, 12,000 words at 8": _weights(
        bits=4, zero_point="real", embedding_bits=4, head_bits=4, frequent_words=12_000
    ),
    "4 bits real gptq, 6,000 words at 8": _weights(
        bits=4,
        zero_point="real",
        rounding="gptq",
        embedding_bits=4,
        head_bits=4,
        frequent_words=6_000,
    ),
    "4 bits real gptq, 12,000 words at 8": _weights(
        bits=4,
        zero_point="real",
        rounding="gptq",
        embedding_bits=4,
        head_bits=4,
        frequent_words=12_000,
    ),
}


def run(asked: Asked) -> None:
    found = Found("four-bits", asked)
    whole = found.row(timed(asked, "fp32", []))
    rows = [found.row(timed(asked, name, stages)) for name, stages in RECIPES.items()]
    _judge(found, whole, [row for row in rows if not row.error])
    found.write()


def _judge(found: Found, whole: Row, rows: list[Row]) -> None:
    """One model has to do all of it; if none does, each demand is held against the one that comes
    nearest among those that keep the perplexity.
    """
    keeping = [row for row in rows if row.change and row.change.value <= MOST_CHANGE]
    wanted = (
        f"at most {MOST_CHANGE:.0%} more perplexity, {LEAST_SMALLER:g} times smaller and"
        f" {LEAST_FASTER:g} times the tokens per second"
    )
    if not keeping or not whole.bytes:
        found.verdict(wanted, "no model keeps the perplexity", False)
        return
    smaller = {row.name: whole.bytes / row.bytes for row in keeping if row.bytes}
    faster = {row.name: row.speedup.value for row in keeping if row.speedup}
    best = max(
        keeping,
        key=lambda row: min(smaller[row.name] / LEAST_SMALLER, faster[row.name] / LEAST_FASTER),
    )
    assert best.change
    said = (
        f"{best.name}: {percent(best.change)}, {smaller[best.name]:.2f} times smaller,"
        f" {faster[best.name]:.2f} times the tokens per second"
    )
    found.verdict(
        wanted, said, smaller[best.name] >= LEAST_SMALLER and faster[best.name] >= LEAST_FASTER
    )
