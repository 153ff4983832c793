"""One turn of llama.cpp in a fresh process: generation, or the scores of documents. The other side
of `decoders/llama.py`.

It reads one line of JSON on stdin and answers with one on stdout, with the same random prompts,
warm-up and windows as the product's own worker, so that only the runtime differs. Its thread count
is set for prompts and for single tokens alike.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import llama_cpp  # pyright: ignore[reportMissingImports]  an extra of the benchmark
import numpy as np

from paretoscope.measure.worker.decoder import log_softmax, windows


def load_backends() -> None:
    """Has ggml take the library that is made for this CPU; one that was compiled here has it built
    in and finds nothing more.
    """
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
    """Nanoseconds to the first token of each prompt and of every token after it, greedily and past
    every end.
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
    llama.reset()  # a prompt that begins like the one before would find its cache
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
    """Log-probability and likeliest token of every position of every document, the first apart, to
    the .npz `outputs`.
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
    asked = json.loads(sys.stdin.readline())
    load_backends()
    print(json.dumps(generation(asked) if asked["mode"] == "generation" else tokens(asked)))
