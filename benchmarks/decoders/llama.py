"""Comparison with llama.cpp: same GGUF file, tokens and threads, interleaved turns.

It compares perplexity, tokens per second and time to first token. llama-cpp-python is optional
(`benchmarks.peers.llama_install`); without it the section measures nothing and reports why.
"""

from __future__ import annotations

import importlib.util
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.decoders.evaluation import (
    Options,
    Report,
    Row,
    compared,
    made,
    percent,
    scored,
)
from benchmarks.decoders.expected_minutes import Workload
from benchmarks.decoders.four_bits import RECIPES
from benchmarks.peers.protocol import call_worker
from paretoscope.artifact.pack import TOKENIZER
from paretoscope.engine.build import Bench
from paretoscope.machine import usable_cores
from paretoscope.measure import locks
from paretoscope.measure.generation import PLANS
from paretoscope.measure.latency import token_ids
from paretoscope.measure.perplexity import SCORED_TOKENS, perplexity
from paretoscope.measure.perplexity import scored as scored_of
from paretoscope.measure.process import ask_generation, model_file
from paretoscope.measure.session import interleaved
from paretoscope.tasks.prose import first_documents
from paretoscope.tasks.tokens import encode
from paretoscope.trials.samples import TokenAnswers
from paretoscope.trials.trial import Generation, Interval

WORKER, PACKAGE = "benchmarks.peers.llama_worker", "llama_cpp"
OURS = (
    "4 bits gptq, embedding 8",
    "4 bits real, embedding 8",
    *(name for name in RECIPES if "tokens at 8" in name),
)
"""Of `four_bits.RECIPES`: GPTQ, float zero points, and float zero points with a mixed embedding."""
NAME = "llama.cpp"


def run(options: Options) -> None:
    report = Report("llama", options)
    bench = options.bench()
    gguf = Path(bench.model_ref.path or "")
    reason = _missing(gguf)
    if reason:
        print(f"  not measured: {reason}", flush=True)
        report.write(missing=reason)
        return
    baseline = scored(bench, "fp32", [])
    theirs = _theirs(bench, gguf, baseline)
    ours = [scored(bench, name, RECIPES[name]) for name in OURS]
    rows = _timed(options, bench, gguf, [theirs, *(row for row in ours if not row.error)])
    for row in [*rows, *(row for row in ours if row.error)]:
        report.add(row)
    _check(report, rows[0], rows[1:])
    report.write()


def workload() -> Workload:
    return Workload({name: RECIPES[name] for name in OURS}, timed=1 + len(OURS))


def _missing(gguf: Path) -> str:
    """The reason that llama.cpp cannot be measured; empty when it can."""
    if gguf.suffix.lower() != ".gguf":
        return f'llama.cpp reads GGUF files, but the model is "{gguf}"'
    if importlib.util.find_spec(PACKAGE) is None:
        return "llama-cpp-python is not installed: python -m benchmarks.peers.llama_install"
    return ""


def _theirs(bench: Bench, gguf: Path, baseline: Row) -> Row:
    """llama.cpp's scores of the tokens that our models are scored on."""
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
        call_worker(WORKER, mode="tokens", **at)
        with np.load(outputs) as scores:
            answers = TokenAnswers(scores["log_probability"], scores["top"], *scored_of(documents))
            quality = perplexity(scores, documents, "validation")
    value = Interval(value=quality.value, low=quality.low, high=quality.high)
    row = Row(NAME, gguf.name, gguf.stat().st_size, value, tokens=quality.n, answers=answers)
    paired = compared(baseline, row)
    return replace(row, change=paired.change if paired else None)


def _timed(options: Options, bench: Bench, gguf: Path, rows: list[Row]) -> list[Row]:
    """The rows with their generation, measured in interleaved turns; llama.cpp is the first."""
    plan = PLANS[options.protocol]
    fp32 = made(bench, []).folder
    lowest, highest = token_ids(fp32, options.conditions.sequence + plan.new_tokens)
    shared = {
        "mode": "generation",
        "threads": options.conditions.threads,
        "batch": 1,
        "prompt": options.conditions.sequence,
        "new_tokens": plan.new_tokens,
        "lowest_id": lowest,
        "highest_id": highest,
        "warm_up_s": plan.warm_up_s,
        "requests": plan.requests,
        "fewest": plan.fewest,
        "most_s": plan.most_s,
    }
    models = [gguf, *(model_file(made(bench, RECIPES[row.name]).folder) for row in rows[1:])]
    requests: Any = [shared | {"model": str(model)} for model in models]
    with locks.measuring():
        answers = interleaved(requests, _turn, plan.turns, options.conditions, None)
    return [
        replace(
            row,
            generation=_generation(turns, options, plan.new_tokens),
            noisy=answers.noisy,
        )
        for row, turns in zip(rows, answers.by_model, strict=True)
    ]


def _turn(request: Any) -> Any:
    """One turn in a fresh process: of llama.cpp for a GGUF file, of the product's worker else."""
    if str(request["model"]).lower().endswith(".gguf"):
        return call_worker(WORKER, **request)
    return ask_generation(request)


def _generation(turns: list[Any], options: Options, new_tokens: int) -> Generation:
    first, token = (
        np.concatenate([turn[name] for turn in turns]) * 1e-6 for name in ("first_ns", "samples_ns")
    )
    return Generation(
        prompt_tokens=options.conditions.sequence,
        new_tokens=new_tokens,
        n=len(first),
        ttft_ms=float(np.median(first)),
        ttft_p90_ms=float(np.quantile(first, 0.9)),
        tpot_ms=float(np.median(token)),
        tpot_p90_ms=float(np.quantile(token, 0.9)),
        tokens_per_s=1000 / float(np.median(token)),
    )


def _check(report: Report, theirs: Row, ours: list[Row]) -> None:
    """Check whether one of our models is better in perplexity, speed and time to first token."""
    target = (
        "a point at equal or better perplexity with more tokens per second and an earlier first"
        f" token than {NAME}"
    )
    results: list[str] = []
    met = False
    for row in ours:
        paired = compared(theirs, row)
        assert paired and paired.change and row.generation and theirs.generation
        faster, earlier = (
            row.generation.tokens_per_s / theirs.generation.tokens_per_s,
            theirs.generation.ttft_ms / row.generation.ttft_ms,
        )
        results.append(
            f"{row.name}: perplexity {percent(paired.change)}, {faster:.2f} times the tokens per"
            f" second, first token {earlier:.2f} times earlier"
        )
        met |= paired.change.low <= 0 and faster > 1 and earlier > 1
    report.verdict(target, "; ".join(results) or "no model of ours was made", met)
