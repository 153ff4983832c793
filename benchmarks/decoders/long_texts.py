"""Long inputs: a prompt of 2,000 tokens, one as long as the context, and a longer document.

None of them may fail without an error message or be truncated silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.decoders.evaluation import Options, Report, Stages, made
from benchmarks.decoders.expected_minutes import Workload
from paretoscope.artifact.pack import TOKENIZER
from paretoscope.errors import ArtifactError
from paretoscope.inference.generate import open_decoder
from paretoscope.machine import usable_cores
from paretoscope.measure import locks, perplexity
from paretoscope.tasks.builtin import PROSE_TOKENS
from paretoscope.tasks.tokens import encode

PROMPT_TOKENS, NEW_TOKENS = 2_000, 32
CONTEXTS = 2.5
"""Length of the long document, in contexts."""
RECIPES: dict[str, Stages] = {
    "fp32": [],
    "4 bits": [{"kind": "quantize", "scheme": "weight-only", "bits": 4}],
}


def run(options: Options) -> None:
    report = Report("long-texts", options)
    bench = options.bench()
    for name, stages in RECIPES.items():
        folder = made(bench, stages).folder
        texts = bench.task.splits["validation"].texts
        prose = np.concatenate(
            encode((folder / TOKENIZER).read_text(encoding="utf-8"), texts, None)
        )
        with locks.compute():
            _check_prompts(report, name, folder, prose.tolist(), options.conditions.threads)
            _check_document(report, name, folder, prose, bench.evaluator.max_length or PROSE_TOKENS)
    report.write()


def workload() -> Workload:
    return Workload(RECIPES)


def _check_prompts(
    report: Report, name: str, folder: Path, prose: Sequence[int], threads: int
) -> None:
    decoder = open_decoder(folder, threads)
    length = min(PROMPT_TOKENS, decoder.context - NEW_TOKENS)

    def continued(prompt: Sequence[int]) -> list[int]:
        stream = decoder.stream(prompt, max_new_tokens=NEW_TOKENS, past_ends=True)
        return [token.id for token in stream]

    written = continued(prose[:length])
    report.verdict(
        f"{name}: a prompt of {length:,} tokens is continued",
        f"{len(written)} tokens, {decoder.decode(written)!r}",
        len(written) == NEW_TOKENS,
    )
    # A truncated prompt would have the same continuation as its second half.
    differs = continued(prose[length // 2 : length]) != written
    report.verdict(
        f"{name}: the first half of the prompt is read",
        f"the second half has {'another' if differs else 'the same'} continuation",
        differs,
    )
    error = ""
    try:
        decoder.stream(prose[: decoder.context], max_new_tokens=1)
    except ArtifactError as raised:
        error = str(raised)
    report.verdict(
        f"{name}: a prompt as long as the context raises an error",
        error or "no error",
        bool(error),
    )


def _check_document(
    report: Report, name: str, folder: Path, prose: np.ndarray, context: int
) -> None:
    """Every token but the first is scored; the first window scores as a document of its length."""
    document = prose[: int(context * CONTEXTS)]

    def scored(ids: np.ndarray) -> dict[str, np.ndarray]:
        return perplexity.score_tokens(folder, [ids], None, threads=usable_cores(), context=context)

    scores = scored(document)
    count = len(scores["log_probability"])
    value = perplexity.perplexity(scores, [document], "validation").value
    report.verdict(
        f"{name}: a document of {len(document):,} tokens is scored to its end",
        f"{count:,} of {len(document) - 1:,} tokens scored at a context of {context:,}, perplexity"
        f" {value:.2f}",
        count == len(document) - 1 and np.isfinite(value),
    )
    first = scored(document[:context])["log_probability"]
    difference = float(np.abs(first - scores["log_probability"][: context - 1]).max())
    report.verdict(
        f"{name}: the first {context:,} tokens score the same without the rest",
        f"largest difference {difference:.1g} nats",
        difference < 1e-3,
    )
