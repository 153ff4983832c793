"""50 % sparsity by magnitude, Wanda and SparseGPT; 20 % of the layers pruned, then recovered."""

from __future__ import annotations

from itertools import pairwise

from benchmarks.decoders.evaluation import Options, Report, Row, Stages, beats, scored
from benchmarks.decoders.expected_minutes import Workload

METHODS = ("magnitude", "wanda", "sparsegpt")
"""From the weakest to the strongest, according to their papers."""
PATTERNS: dict[str, dict[str, object]] = {"50 %": {"sparsity": 0.5}, "2:4": {"pattern": "2:4"}}
DEPTH = {"kind": "prune-structure", "target": "layers", "ratio": 0.2, "criterion": "activation"}
"""By block influence."""
RECOVERIES: dict[str, Stages] = {
    "20 % of the layers, recovered": [DEPTH | {"retrain_epochs": 1, "distill_weight": 0.5}]
}
WIDTHS: dict[str, Stages] = {
    f"{words} by {criterion}": [
        {"kind": "prune-structure", "target": target, "ratio": ratio, "criterion": criterion}
    ]
    for words, target, ratio in (
        ("20 % of the FFN width", "ffn", 0.2),
        ("34 % of the key heads", "heads", 0.34),
    )
    for criterion in ("magnitude", "activation")
}
LEAST_RECOVERED, MOST_MINUTES = 0.5, 15.0


def run(options: Options) -> None:
    report = Report("pruning", options)
    bench = options.bench()
    baseline = report.add(scored(bench, "fp32", []))
    for words, pattern in PATTERNS.items():
        named = {name: [{"kind": "prune-weights", "method": name, **pattern}] for name in METHODS}
        rows = [
            report.add(scored(bench, f"{words} {name}", stages)) for name, stages in named.items()
        ]
        if words == "50 %":
            for weaker, stronger in pairwise(rows):
                beats(report, stronger, weaker, f"{stronger.name} better than {weaker.name}")
    for name, stages in WIDTHS.items():
        report.add(scored(bench, name, stages))
    cut = report.add(scored(bench, "20 % of the layers", [DEPTH]))
    for name, stages in RECOVERIES.items():
        _check_recovered(report, baseline, cut, report.add(scored(bench, name, stages)))
    report.write()


def workload() -> Workload:
    weights = {
        f"{words} {name}": [{"kind": "prune-weights", "method": name, **pattern}]
        for words, pattern in PATTERNS.items()
        for name in METHODS
    }
    return Workload({"fp32": [], **weights, **WIDTHS, "20 % of the layers": [DEPTH], **RECOVERIES})


def _check_recovered(report: Report, baseline: Row, cut: Row, recovered: Row) -> None:
    target = (
        f"{recovered.name}: at least {LEAST_RECOVERED:.0%} of the lost perplexity recovered in"
        f" {MOST_MINUTES:g} minutes"
    )
    if not (baseline.perplexity and cut.perplexity and recovered.perplexity):
        report.verdict(target, f"not made: {recovered.error or cut.error or baseline.error}", False)
        return
    lost = cut.perplexity.value - baseline.perplexity.value
    share, minutes = (
        (cut.perplexity.value - recovered.perplexity.value) / lost,
        sum(recovered.seconds) / 60,
    )
    report.verdict(
        target,
        f"{share:.0%} of {lost:.2f} in {minutes:.1f} minutes",
        share >= LEAST_RECOVERED and minutes <= MOST_MINUTES,
    )
