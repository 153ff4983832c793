"""Weights of 4 to 8 bits: size, perplexity and tokens per second, interleaved with fp32."""

from __future__ import annotations

from benchmarks.decoders.evaluation import Options, Report, Row, Stages, percent, timed
from benchmarks.decoders.expected_minutes import Workload

MOST_CHANGE, LEAST_SMALLER, LEAST_FASTER = 0.02, 6.0, 3.0


def _weights(**fields: object) -> Stages:
    return [{"kind": "quantize", "scheme": "weight-only", **fields}]


RECIPES: dict[str, Stages] = {
    "8 bits": _weights(bits=8),
    "4 bits, embedding 8": _weights(bits=4),
    "4 bits, embedding 4": _weights(bits=4, embedding_bits=4, head_bits=4),
    "4 bits gptq, embedding 8": _weights(bits=4, rounding="gptq"),
    "4 bits gptq, embedding 4": _weights(bits=4, rounding="gptq", embedding_bits=4, head_bits=4),
    "4.5 bits gptq by sensitivity": _weights(
        bits=4.5, rounding="gptq", allocation="sensitivity", embedding_bits=4, head_bits=4
    ),
    "4 bits real, embedding 8": _weights(bits=4, zero_point="real"),
    "4 bits real, embedding 4": _weights(bits=4, zero_point="real", embedding_bits=4, head_bits=4),
    "4 bits real, 12,000 tokens at 8": _weights(
        bits=4, zero_point="real", embedding_bits=4, head_bits=4, frequent_words=12_000
    ),
    "4 bits real gptq, 6,000 tokens at 8": _weights(
        bits=4,
        zero_point="real",
        rounding="gptq",
        embedding_bits=4,
        head_bits=4,
        frequent_words=6_000,
    ),
    "4 bits real gptq, 12,000 tokens at 8": _weights(
        bits=4,
        zero_point="real",
        rounding="gptq",
        embedding_bits=4,
        head_bits=4,
        frequent_words=12_000,
    ),
}


def run(options: Options) -> None:
    report = Report("four-bits", options)
    baseline = report.add(timed(options, "fp32", []))
    rows = [report.add(timed(options, name, stages)) for name, stages in RECIPES.items()]
    _check(report, baseline, [row for row in rows if not row.error])
    report.write()


def workload() -> Workload:
    return Workload({"fp32": [], **RECIPES}, timed=1 + len(RECIPES))


def _check(report: Report, baseline: Row, rows: list[Row]) -> None:
    """Check the best model that keeps the perplexity: one model has to meet all three targets."""
    keeping = [row for row in rows if row.change and row.change.value <= MOST_CHANGE]
    target = (
        f"at most {MOST_CHANGE:.0%} more perplexity, {LEAST_SMALLER:g} times smaller and"
        f" {LEAST_FASTER:g} times the tokens per second"
    )
    if not keeping or not baseline.bytes:
        report.verdict(target, "no model keeps the perplexity", False)
        return
    smaller = {row.name: baseline.bytes / row.bytes for row in keeping if row.bytes}
    faster = {row.name: row.speedup.value for row in keeping if row.speedup}
    best = max(
        keeping,
        key=lambda row: min(smaller[row.name] / LEAST_SMALLER, faster[row.name] / LEAST_FASTER),
    )
    assert best.change
    result = (
        f"{best.name}: {percent(best.change)}, {smaller[best.name]:.2f} times smaller,"
        f" {faster[best.name]:.2f} times the tokens per second"
    )
    report.verdict(
        target, result, smaller[best.name] >= LEAST_SMALLER and faster[best.name] >= LEAST_FASTER
    )
