"""Beside llama.cpp on the same GGUF file, the same tokens and threads: perplexity, tokens per
second, time to the first token, in turns.

llama-cpp-python is an extra of this benchmark (`benchmarks.peers.llama_install`). Without it the
section says so and measures nothing.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.decoders.four_bits import RECIPES
from benchmarks.decoders.judge import Asked, Found, Row, beside, made, percent, scored
from benchmarks.peers.asking import ask
from paretoscope.artifact.pack import TOKENIZER
from paretoscope.engine.pipeline import Bench
from paretoscope.machine import usable_cores
from paretoscope.measure import locks
from paretoscope.measure.generation import PLANS
from paretoscope.measure.latency import MOST_DRIFT, drift, interleaved, token_ids
from paretoscope.measure.perplexity import SCORED_TOKENS, perplexity
from paretoscope.measure.perplexity import scored as scored_of
from paretoscope.measure.process import ask_generation, model_file
from paretoscope.tasks.prose import first_documents
from paretoscope.tasks.tokens import encode
from paretoscope.trials.samples import TokenAnswers
from paretoscope.trials.trial import Generation, Interval

WORKER, PACKAGE = "benchmarks.peers.llama_worker", "llama_cpp"
OURS = (
    "4 bits gptq, table 8",
    "4 bits real, table 8",
    *(name for name in RECIPES if "words at 8" in name),
)
"""Of `four_bits.RECIPES`: the plain one, the exact one, and those that are exact but for words that
are rare.
"""
NAME = "llama.cpp"


def run(asked: Asked) -> None:
    found = Found("llama", asked)
    bench = asked.bench()
    gguf = Path(bench.model_ref.path or "")
    reason = _missing(gguf)
    if reason:
        print(f"  not measured: {reason}", flush=True)
        found.write(missing=reason)
        return
    whole = scored(bench, "fp32", [])
    theirs = _theirs(bench, gguf, whole)
    ours = [scored(bench, name, RECIPES[name]) for name in OURS]
    rows = _timed(asked, bench, gguf, [theirs, *(row for row in ours if not row.error)])
    for row in [*rows, *(row for row in ours if row.error)]:
        found.row(row)
    _judge(found, rows[0], rows[1:])
    found.write()


def _missing(gguf: Path) -> str:
    """Why there is nothing to compare with; empty when there is."""
    if gguf.suffix.lower() != ".gguf":
        return f'llama.cpp reads GGUF files, but the model is "{gguf}"'
    if importlib.util.find_spec(PACKAGE) is None:
        return "llama-cpp-python is not installed: python -m benchmarks.peers.llama_install"
    return ""


def _theirs(bench: Bench, gguf: Path, whole: Row) -> Row:
    """llama.cpp's scores of the very tokens that ours are scored on."""
    folder = made(bench, []).folder
    texts = bench.task.splits["validation"].texts
    documents = first_documents(
        encode((folder / TOKENIZER).read_text(encoding="utf-8"), texts, None),
        SCORED_TOKENS[bench.request.protocol],
    )
    with tempfile.TemporaryDirectory(prefix="paretoscope-") as work, locks.compute():
        inputs, outputs = Path(work) / "inputs.npz", Path(work) / "scores.npz"
        np.savez(
            inputs, ids=np.concatenate(documents), lengths=np.array([len(ids) for ids in documents])
        )
        at = {
            "model": str(gguf),
            "threads": usable_cores(),
            "context": bench.evaluator.max_length,
            "inputs": str(inputs),
            "outputs": str(outputs),
        }
        ask(WORKER, mode="tokens", **at)
        with np.load(outputs) as scores:
            answers = TokenAnswers(scores["log_probability"], scores["top"], *scored_of(documents))
            quality = perplexity(scores, documents, "validation")
    value = Interval(value=quality.value, low=quality.low, high=quality.high)
    row = Row(NAME, gguf.name, gguf.stat().st_size, value, tokens=quality.n, answers=answers)
    paired = beside(whole, row)
    return replace(row, change=paired.change if paired else None)


def _timed(asked: Asked, bench: Bench, gguf: Path, rows: list[Row]) -> list[Row]:
    """The rows with their generation, all in turns; the speed-up of each is over llama.cpp, the
    first.
    """
    plan = PLANS[asked.protocol]
    fp32 = made(bench, []).folder
    lowest, highest = token_ids(fp32, asked.conditions.sequence + plan.new_tokens)
    like = {
        "mode": "generation",
        "threads": asked.conditions.threads,
        "batch": 1,
        "prompt": asked.conditions.sequence,
        "new_tokens": plan.new_tokens,
    }
    like |= {
        "lowest_id": lowest,
        "highest_id": highest,
        "warm_up_s": plan.warm_up_s,
        "requests": plan.requests,
    }
    like |= {"fewest": plan.fewest, "most_s": plan.most_s}
    models = [gguf, *(model_file(made(bench, RECIPES[row.name]).folder) for row in rows[1:])]
    requests: Any = [like | {"model": str(model)} for model in models]
    with locks.measuring():
        turns, _ = interleaved(requests, _turn, plan.turns, asked.conditions, None)
    noisy = drift(turns[0]) > MOST_DRIFT
    return [
        replace(row, generation=_generation(its, asked, plan.new_tokens), noisy=noisy)
        for row, its in zip(rows, turns, strict=True)
    ]


def _turn(request: Mapping[str, Any]) -> Any:
    return (
        ask(WORKER, **request)
        if str(request["model"]).lower().endswith(".gguf")
        else ask_generation(request)
    )  # pyright: ignore[reportArgumentType]


def _generation(turns: list[Any], asked: Asked, new_tokens: int) -> Generation:
    first, token = (
        np.concatenate([turn[name] for turn in turns]) * 1e-6 for name in ("first_ns", "samples_ns")
    )
    return Generation(
        prompt_tokens=asked.conditions.sequence,
        new_tokens=new_tokens,
        n=len(first),
        ttft_ms=float(np.median(first)),
        ttft_p90_ms=float(np.quantile(first, 0.9)),
        tpot_ms=float(np.median(token)),
        tpot_p90_ms=float(np.quantile(token, 0.9)),
        tokens_per_s=1000 / float(np.median(token)),
    )


def _judge(found: Found, theirs: Row, ours: list[Row]) -> None:
    """One of ours has to be better in all three."""
    wanted = (
        "a point at equal or better perplexity with more tokens per second and an earlier first"
        f" token than {NAME}"
    )
    said: list[str] = []
    met = False
    for row in ours:
        paired = beside(theirs, row)
        assert paired and paired.change and row.generation and theirs.generation
        faster, earlier = (
            row.generation.tokens_per_s / theirs.generation.tokens_per_s,
            theirs.generation.ttft_ms / row.generation.ttft_ms,
        )
        said.append(
            f"{row.name}: perplexity {percent(paired.change)}, {faster:.2f} times the tokens a"
            f" second, first token {earlier:.2f} times earlier"
        )
        met |= paired.change.low <= 0 and faster > 1 and earlier > 1
    found.verdict(wanted, "; ".join(said) or "none of ours was made", met)
