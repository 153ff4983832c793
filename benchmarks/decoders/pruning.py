"""Half of the weights as zeros by magnitude, Wanda and SparseGPT; a fifth of the layers gone, and
what low-rank training wins back.
"""

from __future__ import annotations

from itertools import pairwise

from benchmarks.decoders.judge import Asked, Found, Row, Stages, beats, scored

METHODS = ("magnitude", "wanda", "sparsegpt")
"""From the weakest to the strongest, as their papers have it."""
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
        ("20 % of the neurons", "ffn", 0.2),
        ("a third of the key heads", "heads", 0.34),
    )
    for criterion in ("magnitude", "activation")
}
LEAST_WON_BACK, MOST_MINUTES = 0.5, 15.0


def run(asked: Asked) -> None:
    found = Found("pruning", asked)
    bench = asked.bench()
    whole = found.row(scored(bench, "fp32", []))
    for words, pattern in PATTERNS.items():
        named = {name: [{"kind": "prune-weights", "method": name, **pattern}] for name in METHODS}
        rows = [
            found.row(scored(bench, f"{words} {name}", stages)) for name, stages in named.items()
        ]
        if words == "50 %":
            for weaker, stronger in pairwise(rows):
                beats(found, stronger, weaker, f"{stronger.name} better than {weaker.name}")
    for name, stages in WIDTHS.items():
        found.row(scored(bench, name, stages))
    cut = found.row(scored(bench, "20 % of the layers", [DEPTH]))
    for name, stages in RECOVERIES.items():
        _won_back(found, whole, cut, found.row(scored(bench, name, stages)))
    found.write()


def _won_back(found: Found, whole: Row, cut: Row, recovered: Row) -> None:
    wanted = (
        f"{recovered.name}: at least {LEAST_WON_BACK:.0%} of the lost perplexity won back in"
        f" {MOST_MINUTES:g} minutes"
    )
    if not (whole.perplexity and cut.perplexity and recovered.perplexity):
        found.verdict(wanted, f"not made: {recovered.error or cut.error or whole.error}", False)
        return
    lost = cut.perplexity.value - whole.perplexity.value
    share, minutes = (
        (cut.perplexity.value - recovered.perplexity.value) / lost,
        sum(recovered.seconds) / 60,
    )
    found.verdict(
        wanted,
        f"{share:.0%} of {lost:.2f} in {minutes:.1f} minutes",
        share >= LEAST_WON_BACK and minutes <= MOST_MINUTES,
    )
