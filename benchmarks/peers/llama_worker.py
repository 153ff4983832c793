"""Worker process of `decoders/llama.py`: one turn of generation, or scores of documents.

Reads one line of JSON on stdin and writes one on stdout. Prompts, warm-up and windows are those of
the product's worker, so that only the runtime differs. Prompts and single tokens use the same
number of threads.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import llama_cpp  # pyright: ignore[reportMissingImports]  optional
import numpy as np

from paretoscope.measure.worker.scoring import log_softmax, windows


def load_backends() -> None:
    """Load the ggml library for this CPU; a locally compiled llama.cpp has it built in."""
    folder = Path(str(llama_cpp.__file__)).parent / "lib"
    ctypes.CDLL(str(folder / "libggml.so")).ggml_backend_load_all_from_path(str(folder).encode())


def opened(request: dict[str, Any], context: int, *, every_token: bool) -> Any:
    threads = {"n_threads": request["threads"], "n_threads_batch": request["threads"]}
    return llama_cpp.Llama(
        request["model"],
        n_ctx=context,
        n_batch=512,
        logits_all=every_token,
        verbose=False,
        **threads,
    )


def generation(request: dict[str, Any]) -> dict[str, Any]:
    """Nanoseconds to the first token of each prompt and of each later token, greedy decoding.

    Generation does not stop at an end-of-text token.
    """
    random = np.random.default_rng(0)
    prompts = [
        random.integers(
            request["lowest_id"], request["highest_id"], (1, request["prompt"]), dtype=np.int64
        )[0].tolist()
        for _ in range(16)
    ]
    started = time.perf_counter_ns()
    llama = opened(request, request["prompt"] + request["new_tokens"] + 8, every_token=False)
    load_ms = (time.perf_counter_ns() - started) * 1e-6
    gc.collect()
    gc.disable()
    runs, end = 0, time.perf_counter() + request["warm_up_s"]
    while not runs or time.perf_counter() < end:
        _answer(llama, prompts[-1 - runs % len(prompts)], request["new_tokens"])
        runs += 1
    first_ns: list[int] = []
    token_ns: list[int] = []
    started_s = time.perf_counter()
    while len(first_ns) < request["requests"] and (
        len(first_ns) < request["fewest"] or time.perf_counter() - started_s < request["most_s"]
    ):
        first, *others = _answer(
            llama, prompts[len(first_ns) % len(prompts)], request["new_tokens"]
        )
        first_ns.append(first)
        token_ns += others
    return {
        "samples_ns": token_ns,
        "first_ns": first_ns,
        "load_ms": load_ms,
        "stable": True,
        "peak_from_start": False,
    }


def _answer(llama: Any, prompt: list[int], new_tokens: int) -> list[int]:
    llama.reset()  # drop the cached prefix of the previous prompt
    found: list[int] = []
    before = time.perf_counter_ns()
    for _ in llama.generate(prompt, top_k=1, temp=0.0, repeat_penalty=1.0):
        now = time.perf_counter_ns()
        found.append(now - before)
        if len(found) == new_tokens:
            break
        before = now
    return found


def tokens(request: dict[str, Any]) -> dict[str, Any]:
    """Log-probability and most likely token of every position but the first of each document.

    They are saved to the .npz file `outputs`.
    """
    with np.load(request["inputs"]) as inputs:
        documents = np.split(inputs["ids"], np.cumsum(inputs["lengths"])[:-1])
    context = request["context"]
    llama = opened(request, context, every_token=True)
    found: dict[str, list[np.ndarray]] = {"log_probability": [], "top": []}
    for ids in documents:
        for start, first, end in windows(len(ids), context):
            llama.reset()
            llama.eval(ids[start:end].tolist())
            logs = log_softmax(
                np.asarray(llama.scores[first - start - 1 : end - start - 1], dtype=np.float32)
            )
            found["log_probability"].append(logs[np.arange(end - first), ids[first:end]])
            found["top"].append(logs.argmax(axis=1).astype(np.int32))
    np.savez(request["outputs"], **{name: np.concatenate(values) for name, values in found.items()})  # pyright: ignore[reportArgumentType]
    return {}


if __name__ == "__main__":
    request = json.loads(sys.stdin.readline())
    load_backends()
    print(json.dumps(generation(request) if request["mode"] == "generation" else tokens(request)))
