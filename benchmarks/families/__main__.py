"""Compare random tiny classifiers of every family with torch.

    python -m benchmarks.families
    python -m benchmarks.families --models 50 --only xlnet,albert

Each model has random sizes and weights. Its exported graph is compared with torch for 3, 17 and 128
tokens and the longest text, in batches, with padding, and with special tokens inside texts. The
target is a largest difference of 1e-3, relative to the largest logit; a model that is refused is
counted and listed, never skipped silently.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.families.configs import FAMILIES, Sizes, tiny_classifier
from benchmarks.verdicts import environment
from paretoscope.errors import ParetoscopeError
from paretoscope.graphs.export import TOLERANCE, export

MODELS = 300
ACTIVATIONS = ("gelu", "gelu_new", "relu", "silu", "gelu_pytorch_tanh")


@dataclass
class Found:
    """Differences and refusals of the models of one family."""

    differences: list[float] = field(default_factory=list[float])
    refusals: list[str] = field(default_factory=list[str])

    def line(self, family: str) -> str:
        largest = f"{max(self.differences):.1e}" if self.differences else "-"
        refused = f"; {len(self.refusals)} refused: {self.refusals[0]}" if self.refusals else ""
        return f"{family:22}{len(self.differences):4} models  largest {largest}{refused}"


def random_sizes(generator: random.Random) -> Sizes:
    """Sizes that no code was written for, such as 3 heads of 6."""
    return Sizes(
        layers=generator.randint(1, 3),
        heads=generator.choice((1, 2, 3, 4, 6)),
        head_size=generator.choice((4, 6, 8, 16)),
        ffn=generator.randint(20, 90),
        vocabulary=generator.randint(60, 300),
        positions=generator.choice((20, 130, 200, 256, 512)),
        padding=generator.randint(0, 5),
        activation=generator.choice(ACTIVATIONS),
        window=generator.choice((4, 8, 16, 32)),
    )


def compare(families: Sequence[str], models: int, seed: int = 0) -> dict[str, Found]:
    """`models` random models, the families in turn."""
    generator = random.Random(seed)
    found = {family: Found() for family in families}
    for number in range(models):
        family = families[number % len(families)]
        sizes = random_sizes(generator)
        try:
            model = tiny_classifier(family, sizes, seed=number)
        except Exception as error:  # noqa: BLE001 (of any family's code)
            found[family].refusals.append(f"transformers, {sizes}: {error!r}"[:200])
            continue
        try:
            found[family].differences.append(export(model)[1])
        except ParetoscopeError as error:
            found[family].refusals.append(f"{error} {sizes}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.families",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", type=int, default=MODELS, help=f"by default {MODELS}")
    parser.add_argument("--only", default=",".join(sorted(FAMILIES)), help="names of families")
    parser.add_argument("--seed", type=int, default=0, help="seed of sizes and weights")
    args = parser.parse_args(arguments)
    families = args.only.split(",")
    if unknown := [name for name in families if name not in FAMILIES]:
        parser.error(f'unknown family "{unknown[0]}"; choose from {", ".join(sorted(FAMILIES))}')
    print(environment(), flush=True)
    start = time.perf_counter()
    found = compare(families, args.models, args.seed)
    for family, each in found.items():
        print(each.line(family))
    differences = [value for each in found.values() for value in each.differences]
    largest = max(differences, default=float("nan"))
    refused = sum(len(each.refusals) for each in found.values())
    verdict = "PASS" if largest <= TOLERANCE else "MISSED"
    seconds = time.perf_counter() - start
    print(
        f"{verdict}: {len(differences)} models, largest difference {largest:.1e} (target"
        f" {TOLERANCE:g}), {refused} refused, {seconds:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
