"""What the batch of texts, or the pieces in which a document is read, changes in the answers.

    python -m benchmarks.batches [--classifiers minilm-trec,minilm-movies] [--decoders smollm2-135m]

The runtime chooses kernels by the number of rows, and dynamic int8 takes the range of activations
from the whole batch. For classifiers: accuracy at batch 1 and 32, answers that differ, and the
largest difference of a logit. For language models: perplexity of the first documents of the
validation split, read whole and in smaller pieces.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from paretoscope.catalog import request
from paretoscope.engine.build import Bench
from paretoscope.engine.evaluators import tokenizer_of
from paretoscope.engine.progress import Steps
from paretoscope.machine import fingerprint, usable_cores
from paretoscope.measure import locks, perplexity, quality
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.tasks.builtin import PROSE_TOKENS
from paretoscope.tasks.prose import first_documents
from paretoscope.tasks.tokens import encode
from paretoscope.workspace import Workspace

CLASSIFIERS = {
    "fp32": [],
    "int8 dynamic": [{"kind": "quantize"}],
    "int8 static": [{"kind": "quantize", "scheme": "int8-static"}],
    "4 bits": [{"kind": "quantize", "scheme": "weight-only", "bits": 4}],
}
DECODERS = {name: CLASSIFIERS[name] for name in ("fp32", "4 bits")}
BATCH = 32
PIECES = (1, 64, 256, PROSE_TOKENS)
TOKENS = 500


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classifiers", default="minilm-trec,minilm-movies")
    parser.add_argument("--decoders", default="smollm2-135m")
    parser.add_argument("--workspace", type=Path, help="keep models here (default: temporary)")
    given = parser.parse_args()
    print(fingerprint().in_words(), flush=True)
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as folder:
        workspace = Workspace.at(given.workspace or folder)
        for model in filter(None, given.classifiers.split(",")):
            bench = _bench(model, workspace)
            for name, stages in CLASSIFIERS.items():
                _classifier(bench, name, parse_recipe({"stages": stages}))
        for model in filter(None, given.decoders.split(",")):
            bench = _bench(model, workspace)
            for name, stages in DECODERS.items():
                _decoder(bench, name, parse_recipe({"stages": stages}))


def _bench(model: str, workspace: Workspace) -> Bench:
    asked = request(model, Recipe())
    return Bench(asked, workspace, Steps(asked.recipe, lambda _: None))


def _classifier(bench: Bench, name: str, recipe: Recipe) -> None:
    folder = bench.make(recipe).folder
    split = bench.evaluator.encoded("validation", tokenizer_of(folder))
    found: list[np.ndarray] = []
    for batch in (1, BATCH):
        how = quality.Running(batch=batch, parallel=usable_cores())
        with locks.compute():
            each = quality.evaluate(folder, split.ids, split.labels, split="validation", how=how)
        found.append(each[1])
    one, many = found
    right = [float((logits.argmax(axis=1) == split.labels).mean()) for logits in found]
    print(
        f"{bench.request.model}, {name}: accuracy {right[0]:.4f} at batch 1, {right[1]:.4f} at"
        f" batch {BATCH}; {int((one.argmax(axis=1) != many.argmax(axis=1)).sum())} of {len(one)}"
        f" answers differ, logits by up to {np.abs(one - many).max():.2g}",
        flush=True,
    )


def _decoder(bench: Bench, name: str, recipe: Recipe) -> None:
    folder = bench.make(recipe).folder
    texts = bench.task.splits["validation"].texts
    documents = first_documents(encode(tokenizer_of(folder), texts, None), TOKENS)
    logs: dict[int, np.ndarray] = {}
    for piece in PIECES:
        with locks.compute():
            logs[piece] = perplexity.score_tokens(
                folder,
                documents,
                None,
                threads=usable_cores(),
                context=PROSE_TOKENS,
                piece=piece,
            )["log_probability"]
    whole = logs[PROSE_TOKENS]
    print(
        f"{bench.request.model}, {name}, {len(whole):,} tokens: perplexity "
        + ", ".join(
            f"{np.exp(-each.mean()):.4f} in pieces of {piece:,} (a log-probability by up to"
            f" {np.abs(each - whole).max():.2g})"
            for piece, each in logs.items()
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
