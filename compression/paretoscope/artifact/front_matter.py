"""The YAML front matter of a model card, as the Hugging Face Hub reads it.

Source: https://github.com/huggingface/hub-docs/blob/main/modelcard.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from paretoscope.trials.format import conditions_in_words, machine_in_words
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.trial import MetricValue, TrialDocument

HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*(@[\w][\w./-]*)?")
TYPES = {"quality": "accuracy"}
"""Metrics that the hub calls otherwise."""
INDEXED = "quality perplexity size_bytes latency_p50_ms tpot_ms ttft_ms speedup".split()
"""Metrics in the model index, in order."""
TIMED = {"latency_p50_ms", "tpot_ms", "ttft_ms", "speedup"}
DIGITS = 6
"""Significant digits of a value in the index."""


def front_matter(
    document: TrialDocument, *, base_model: str | None = None, licence: str | None = None
) -> str:
    """The front matter with its dashes.

    `base_model` is the hub id of the original, by default the trial's model if it is one; `licence`
    is an SPDX id.
    """
    content: dict[str, Any] = {"pipeline_tag": _pipeline(document), "library_name": "onnx"}
    if licence:
        content["license"] = licence.lower()
    if base_model or HUB_ID.fullmatch(document.model):
        content["base_model"] = base_model or document.model.partition("@")[0]
        if "quantization" in document.recipe.strategies:
            content["base_model_relation"] = "quantized"
    content["tags"] = ["onnx", "onnxruntime", "model-compression", *document.recipe.strategies]
    if document.quality:
        content["metrics"] = [document.quality.metric]
        content["model-index"] = [_indexed(document, document.quality.split)]
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}---"


def short_name(name: str) -> str:
    """The last part of a path; a hub id or built-in name is returned unchanged.

    >>> short_name("/home/me/models/mine"), short_name("org/name"), short_name("minilm-trec")
    ('mine', 'org/name', 'minilm-trec')
    """
    return name if HUB_ID.fullmatch(name) else Path(name).name


def _indexed(document: TrialDocument, split: str) -> dict[str, Any]:
    """The entry of `model-index`: what was measured, of which data, with the interval."""
    task = short_name(document.task)
    result = {
        "task": {"type": _pipeline(document)},
        "dataset": {"name": task, "type": task, "split": split},
        "metrics": list(_metrics(document)),
    }
    return {"name": f"{short_name(document.model)}-{document.recipe_id}", "results": [result]}


def _metrics(document: TrialDocument) -> Iterator[dict[str, Any]]:
    found = {number.metric: number for number in document.metrics()}
    for key in INDEXED:
        if number := found.get(key):
            yield {
                "type": TYPES.get(key, key),
                "name": _named(document, number),
                "value": _rounded(number.value),
            }


def _named(document: TrialDocument, number: MetricValue) -> str:
    """The metric in words: `Latency p50: 2.05 ms [1.99, 2.11], batch 1, ..., machine`."""
    row = METRICS[number.metric]
    shown = f"{row.format(number.value)} {row.interval(number.low, number.high)}".strip()
    noisy = ", noisy session" if document.latency and document.latency.noisy else ""
    at = f", {conditions_in_words(document)}, {machine_in_words(document)}{noisy}"
    return f"{row.label}: {shown}{at if row.key in TIMED else ''}"


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")


def _pipeline(document: TrialDocument) -> str:
    """The hub's name for the model's task."""
    return "text-generation" if document.generation else "text-classification"
