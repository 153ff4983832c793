"""Compare the answers of this computer with those of the one that made the model.

manifest.json has 32 texts with their token ids and largest logits. The run scripts in the same
folder import this file; it needs numpy only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Found = dict[str, Any]
"""The result of `compare`."""
KERNELS = re.compile(
    r"^(avx.*|.*vnni.*|amx.*|fma|f16c|sse4_2|neon|asimd.*|sve.*|i8mm|bf16|sme|sme\d.*)$"
)


def processor() -> tuple[str, list[str]]:
    """(name, instruction sets that select kernels) of this computer."""
    try:
        first = Path("/proc/cpuinfo").read_text(errors="replace").split("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine(), []
    rows = {
        key.strip().lower(): value.strip()
        for key, _, value in (line.partition(":") for line in first.splitlines())
    }
    listed = (rows.get("flags") or rows.get("features") or "").lower().split()
    return rows.get("model name", ""), sorted({flag for flag in listed if KERNELS.match(flag)})


def compare(
    golden: Mapping[str, Any],
    logits: Callable[[list[int]], Any],
    encode: Callable[[str], Sequence[int]],
) -> Found:
    """A dictionary of the differences.

    `logits` gives all logits [classes] of a list of token ids, `encode` the token ids of a text.
    """
    started = time.perf_counter()
    largest, scale, agree, other_tokens = 0.0, 1.0, 0, 0
    for text, ids, top, values in zip(
        golden["texts"], golden["ids"], golden["top"], golden["logits"], strict=True
    ):
        ids, top = [int(word) for word in ids.split()], [int(word) for word in top.split()]
        wanted = np.array([float(word) for word in values.split()])
        found = np.asarray(logits(ids), dtype=np.float64)
        # np.maximum keeps NaN, which max would drop
        largest = float(np.maximum(largest, np.abs(found[top] - wanted).max()))
        scale = max(scale, float(np.abs(wanted).max()))
        agree += int(found.argmax()) == top[0]
        other_tokens += list(encode(text)) != ids
    return {
        "largest_difference": largest,
        "largest_logit": scale,
        "tolerance": golden["tolerance"] * scale,
        "agree": agree,
        "texts": len(golden["texts"]),
        "other_tokens": other_tokens,
        "within": largest <= golden["tolerance"] * scale and not other_tokens,
        "seconds": time.perf_counter() - started,
    }


def in_words(found: Found) -> str:
    """
    >>> in_words({"largest_difference": 0.02, "tolerance": 0.1, "agree": 31, "texts": 32,
    ...           "other_tokens": 0})
    'largest difference of a logit 0.02 (tolerance 0.1), 31 of 32 answers agree'
    """
    tokens = found["other_tokens"]
    return (
        f"largest difference of a logit {found['largest_difference']:.2g} (tolerance"
        f" {found['tolerance']:.2g}), {found['agree']} of {found['texts']} answers agree"
        + (f", {tokens} texts have other tokens" if tokens else "")
    )


def remedy(manifest: Mapping[str, Any], found: Found, runtime: str, *, exact: bool) -> str:
    """Why answers may differ here and what to do."""
    made = manifest["machine"]
    if found["other_tokens"]:
        return "The tokenizers package gives other tokens; install another version of it."
    if manifest["check"]["int8"] and not exact and not any("vnni" in f for f in processor()[1]):
        return (
            "This processor has no VNNI, so ONNX Runtime adds int8 products in 16 bits, which can"
            " overflow. Run with --exact: exact sums, but slower."
        )
    version = made.get("versions", {}).get("onnxruntime")
    if version != runtime:
        return f"It was made with onnxruntime {version}, here it is {runtime}; install {version}."
    hint = " Try --exact." if manifest["check"]["int8"] and not exact else ""
    return f"It was made on {made['cpu']}; measure its accuracy here with --evaluate.{hint}"


def made_here(manifest: Mapping[str, Any], runtime: str) -> bool:
    """Whether processor and runtime are those that the model was made with."""
    made, (name, flags) = manifest["machine"], processor()
    same_name = name == "" or " ".join(name.split()) in made["cpu"]
    same_runtime = made["versions"]["onnxruntime"] == runtime
    return same_name and same_runtime and flags == sorted(made["flags"])


def first_run(manifest: Mapping[str, Any], runtime: str, run: Callable[[], Found]) -> None:
    """On another processor or runtime than the model was made with: call `run`, once.

    `run` gives the result of `compare`. A warning is printed when it is beyond the tolerance.
    """
    if "check" not in manifest or made_here(manifest, runtime):
        return
    key = json.dumps([manifest["sha256"], processor(), runtime], sort_keys=True)
    name = f"checked-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paretoscope"
        if (cache / name).exists():
            return
    except (OSError, RuntimeError):  # it is not readable, or the user has no home folder
        cache = None
    found = run()
    if not found["within"]:
        warn(manifest, found, runtime, exact=False)
    if cache is not None:
        with contextlib.suppress(OSError):  # then the check is made again at the next start
            cache.mkdir(parents=True, exist_ok=True)
            (cache / name).write_text(json.dumps(found))


def warn(manifest: Mapping[str, Any], found: Found, runtime: str, *, exact: bool) -> None:
    print(
        f"run.py: WARNING: this computer answers otherwise than the one that made the model:"
        f" {in_words(found)}. {remedy(manifest, found, runtime, exact=exact)}",
        file=sys.stderr,
    )


def check(
    manifest: Mapping[str, Any], runtime: str, run: Callable[[], Found], *, exact: bool
) -> int:
    """The command --check: print the result; the exit status is 1 beyond the tolerance."""
    if "check" not in manifest:
        print(
            "run.py: manifest.json has no golden inputs; export the model again.", file=sys.stderr
        )
        return 2
    found = run()
    print(f"{in_words(found)}, {found['seconds']:.1f} s")
    if not found["within"]:
        warn(manifest, found, runtime, exact=exact)
    return 0 if found["within"] else 1
