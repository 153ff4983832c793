"""A prompt of 2,000 tokens and a document longer than the context neither fail nor are silently
cut; what cannot be read is refused in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.decoders.judge import Asked, Found, Stages, made
from paretoscope.artifact.pack import TOKENIZER
from paretoscope.errors import ArtifactError
from paretoscope.inference.generate import open_decoder
from paretoscope.machine import usable_cores
from paretoscope.measure import locks, perplexity
from paretoscope.tasks.tokens import encode

PROMPT_TOKENS, NEW_TOKENS = 2_000, 32
CONTEXTS = 2.5
"""The long document is so many contexts long."""
RECIPES: dict[str, Stages] = {
    "fp32": [],
    "4 bits": [{"kind": "quantize", "scheme": "weight-only", "bits": 4}],
}


def run(asked: Asked) -> None:
    found = Found("long-texts", asked)
    bench = asked.bench()
    for name, stages in RECIPES.items():
        folder = made(bench, stages).folder
        texts = bench.task.splits["validation"].texts
        prose = np.concatenate(
            encode((folder / TOKENIZER).read_text(encoding="utf-8"), texts, None)
        )
        with locks.compute():
            _prompts(found, name, folder, prose.tolist(), asked.conditions.threads)
            _document(found, name, folder, prose, bench.evaluator.max_length)
    found.write()


def _prompts(found: Found, name: str, folder: Path, prose: Sequence[int], threads: int) -> None:
    decoder = open_decoder(folder, threads)
    length = min(PROMPT_TOKENS, decoder.context - NEW_TOKENS)
    written = [
        token.id
        for token in decoder.stream(prose[:length], max_new_tokens=NEW_TOKENS, past_ends=True)
    ]
    said = f"{len(written)} tokens, {decoder.decode(written)!r}"
    found.verdict(
        f"{name}: a prompt of {length:,} tokens is continued", said, len(written) == NEW_TOKENS
    )
    # A cut prompt would be continued as its end alone is.
    alone = [
        token.id
        for token in decoder.stream(
            prose[length // 2 : length], max_new_tokens=NEW_TOKENS, past_ends=True
        )
    ]
    said = (
        "its second half alone is continued otherwise"
        if alone != written
        else "its second half alone is continued alike"
    )
    found.verdict(f"{name}: its first half is read", said, alone != written)
    try:
        decoder.stream(prose[: decoder.context], max_new_tokens=1)
        said = ""
    except ArtifactError as error:
        said = str(error)
    found.verdict(
        f"{name}: a prompt as long as the context is refused in words",
        said or "it was taken",
        "reads at most" in said,
    )


def _document(found: Found, name: str, folder: Path, prose: np.ndarray, context: int) -> None:
    """As the product scores it, in windows: a score for every token but the first, and those of the
    first window as if it stood alone.
    """
    document = prose[: int(context * CONTEXTS)]
    scores = perplexity.score_tokens(
        folder, [document], None, threads=usable_cores(), context=context
    )
    count = len(scores["log_probability"])
    whole = perplexity.perplexity(scores, [document], "validation").value
    said = (
        f"{count:,} of {len(document) - 1:,} tokens scored at a context of {context:,}, perplexity"
        f" {whole:.2f}"
    )
    found.verdict(
        f"{name}: a document of {len(document):,} tokens is scored to its end",
        said,
        count == len(document) - 1 and np.isfinite(whole),
    )
    first = perplexity.score_tokens(
        folder, [document[:context]], None, threads=usable_cores(), context=context
    )
    apart = float(np.abs(first["log_probability"] - scores["log_probability"][: context - 1]).max())
    found.verdict(
        f"{name}: its first {context:,} tokens score as they do alone",
        f"{apart:.1g} nats apart at most",
        apart < 1e-3,
    )
