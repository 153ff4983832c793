"""The process that measures a decoder, new for every turn and without torch.

It is started as `python -m paretoscope.measure.worker.decoder`. It times generation
(`inference/generate.py`) and scores text (`scoring.py`); requests and answers are handled in
`serving.py`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paretoscope.inference import generate
from paretoscope.measure.worker import energy, resident
from paretoscope.measure.worker.messages import GenerationAnswer, GenerationRequest
from paretoscope.measure.worker.scoring import choices, tokens
from paretoscope.measure.worker.serving import blame, serve

Ids = NDArray[np.int64]


def generation(request: GenerationRequest) -> GenerationAnswer:
    """One turn: memory of the empty runtime, load, warm-up, requests, and memory again.

    The memory includes the key-value cache.
    """
    prompts = _prompts(request)
    empty_bytes = resident.now()
    was_reset = resident.reset_peak()
    started = time.perf_counter_ns()
    with blame(request["model"], "load"):
        decoder = generate.open_decoder(Path(request["model"]).parent, request["threads"])
    load_ms = (time.perf_counter_ns() - started) * 1e-6
    loaded = resident.now()
    gc.collect()
    gc.disable()
    warm_up_runs = _warm_up(decoder, prompts, request)
    counters = energy.read_counters()
    first_ns, token_ns = _sample(decoder, prompts, request)
    joules = energy.joules_between(counters, energy.read_counters())
    steady = resident.now()
    return {
        "samples_ns": token_ns,
        "first_ns": first_ns,
        "load_ms": load_ms,
        "warm_up_runs": warm_up_runs,
        "stable": True,
        "empty_bytes": empty_bytes,
        "loaded_bytes": loaded,
        "peak_bytes": max(resident.peak(), loaded, steady),
        "steady_bytes": steady,
        "peak_from_start": not was_reset,
        "joules": joules,
    }


def _prompts(request: GenerationRequest) -> list[Ids]:
    """16 prompts of random token ids [batch, prompt], the same in every process."""
    random = np.random.default_rng(0)
    lowest, highest = request["lowest_id"], request["highest_id"]
    shape = (request["batch"], request["prompt"])
    return [random.integers(lowest, highest, shape, dtype=np.int64) for _ in range(16)]


def _warm_up(decoder: generate.Decoder, prompts: Sequence[Ids], request: GenerationRequest) -> int:
    """Answer prompts for `warm_up_s` seconds, at least one; how many were answered."""
    runs, end = 0, time.perf_counter() + request["warm_up_s"]
    while not runs or time.perf_counter() < end:
        with blame(request["model"], "run"):
            _answer(decoder, prompts[-1 - runs % len(prompts)], request["new_tokens"])
        runs += 1
    return runs


def _sample(
    decoder: generate.Decoder, prompts: Sequence[Ids], request: GenerationRequest
) -> tuple[list[int], list[int]]:
    """Nanoseconds (of each first token, of every token after the first ones)."""
    first_ns: list[int] = []
    token_ns: list[int] = []
    started = time.perf_counter()
    while len(first_ns) < request["requests"] and (
        len(first_ns) < request["fewest"] or time.perf_counter() - started < request["most_s"]
    ):
        prompt = prompts[len(first_ns) % len(prompts)]
        first, *others = _answer(decoder, prompt, request["new_tokens"])
        first_ns.append(first)
        token_ns += others
    return first_ns, token_ns


def _answer(decoder: generate.Decoder, prompts: Ids, new_tokens: int) -> list[int]:
    """Nanoseconds of each step: to the first tokens, then of every later token."""
    return [round(seconds * 1e9) for _, seconds in decoder.steps(prompts, new_tokens)]


if __name__ == "__main__":
    serve({"tokens": tokens, "choices": choices, "generation": generation})
