"""The README.md of an artefact: what it was made from, how, what was measured under which
conditions, and how to run it.

A Hugging Face model card: YAML front matter, then Markdown. It states only what the document holds;
the paths of a person's own model and data stay at home, their last names alone are written.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from paretoscope.report.tables.table import Row
from paretoscope.trials.format import (
    conditions_in_words,
    listed,
    machine_in_words,
    p_in_words,
    when,
)
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.trial import TrialDocument

SHOWN = (
    "quality perplexity agreement kl size_bytes latency_p50_ms latency_p90_ms latency_p95_ms"
    " latency_p99_ms speedup tpot_ms ttft_ms tokens_per_s ttft_speedup load_ms peak_memory_bytes"
    " steady_memory_bytes energy_j"
).split()
"""Metrics of the table, in this order."""
RUN_CLASSIFIER = (
    '```sh\npip install onnxruntime tokenizers\npython run.py "some text" "another"\npython run.py'
    " --time\n```\n\n`model.onnx` takes `input_ids` and `attention_mask` (int64, `[batch,"
    " sequence]`) and gives `logits` (float32, `[batch, classes]`); the classes are named in"
    " `config.json`."
)
RUN_DECODER = (
    '```sh\npip install onnxruntime tokenizers\npython run.py "What is a'
    ' token?"\n```\n\n`model.onnx` with `model.onnx.data` takes `input_ids`, `attention_mask` and'
    " the keys and values of what came before, and gives `logits` (float32, `[batch, 1,"
    " vocabulary]`) of the next token. onnxruntime-genai runs the same folder."
)
HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*(@[\w][\w./-]*)?")


def model_card(
    document: TrialDocument, *, base: str = "", source: str = "", licence: str | None = None
) -> str:
    """The card of a measured trial, as Markdown that ends with a newline.

    `base` says in words what the base model is, `source` where it comes from, `licence` its SPDX id
    when that is known.
    """
    model, task = _short_name(document.model), _short_name(document.task)
    made_from = "; ".join(part for part in (base, source) if part) or "see its own description"
    kind = "A language model" if document.generation else "A text classifier"
    sections = [
        _front_matter(document, licence),
        f"# {model}: {document.recipe.in_words()}",
        (
            f"{kind} as ONNX, made from **{model}** ({made_from}) and measured on **{task}**. The"
            f" licence of the base model{f' ({licence})' if licence else ''} holds for this model"
            " too."
        ),
        "## Measured\n\n" + _figures(document),
        "## How it was made\n\n" + _recipe(document),
        "## Run it\n\n" + (RUN_DECODER if document.generation else RUN_CLASSIFIER),
        "## Measure it again\n\n" + _again(document, model, task),
        "## What these figures do not say\n\n" + _limits(document, task),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _short_name(name: str) -> str:
    """A hub id or built-in name as it is, a path's last part.

    >>> _short_name("/home/me/models/mine"), _short_name("org/name"), _short_name("minilm-trec")
    ('mine', 'org/name', 'minilm-trec')
    """
    return name if HUB_ID.fullmatch(name) else Path(name).name


def _front_matter(document: TrialDocument, licence: str | None) -> str:
    """What the hub reads: https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    content: dict[str, Any] = {"pipeline_tag": _pipeline(document), "library_name": "onnx"}
    if licence:
        content["license"] = licence.lower()
    if HUB_ID.fullmatch(document.model):
        content["base_model"] = document.model.partition("@")[0]
    content["tags"] = ["onnx", "onnxruntime", "model-compression", *document.recipe.strategies]
    if document.quality:
        content["metrics"] = [document.quality.metric]
        task = _short_name(document.task)
        result = {
            "task": {"type": _pipeline(document)},
            "dataset": {"name": task, "type": task, "split": document.quality.split},
            "metrics": [
                {"type": document.quality.metric, "value": round(document.quality.value, 4)}
            ],
        }
        content["model-index"] = [
            {"name": f"{_short_name(document.model)}-{document.recipe_id}", "results": [result]}
        ]
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}---"


def _pipeline(document: TrialDocument) -> str:
    """What the hub calls what the model does."""
    return "text-generation" if document.generation else "text-classification"


def _figures(document: TrialDocument) -> str:
    """One row per metric: value with its 95 % interval, baseline of the session, change."""
    row = Row(document)
    values = {key: found for key in SHOWN if (found := row.values.get(key))}
    if not values:
        return "Nothing was measured."
    lines = ["| metric | this model | uncompressed | change |", "|---|---|---|---|"]
    for key, found in values.items():
        metric, base = METRICS[key], row.baseline.get(key)
        mine = f"{metric.format(found.value)} {metric.interval(found.low, found.high)}".strip()
        lines.append(
            f"| {metric.label} | {mine} | {metric.format(base)} | {row.change(key) or '–'} |"
        )
    return "\n".join(lines) + "\n\n" + _conditions(document)


def _conditions(document: TrialDocument) -> str:
    said = ["In brackets: 95 % intervals."]
    if document.quality:
        asked = "tokens" if document.quality.metric == "perplexity" else "examples"
        label = METRICS[document.axes.quality].label
        through = (
            "this ONNX file"
            if not document.generation
            else "this ONNX file with logits for every token"
        )
        said.append(
            f"{label}: {document.quality.n:,} {asked} of the {document.quality.split} split,"
            f" through {through}."
        )
    if document.paired:
        pair = document.paired
        if pair.change:
            ends = METRICS["perplexity_change"].interval(pair.change.low, pair.change.high)
            said.append(
                f"Perplexity is {100 * pair.change.value:+.2f} % {ends} beside the uncompressed"
                " model on the same documents."
            )
        answers = "Likeliest next tokens that were right" if pair.change else "Right answers"
        chance = p_in_words(pair.mcnemar_p)
        said.append(
            f"{answers}, beside the uncompressed model: {pair.lost} lost and {pair.gained} gained"
            f" (McNemar {chance})."
        )
    if document.latency:
        noisy = (
            "; the machine was not quiet, so take them with care" if document.latency.noisy else ""
        )
        at = document.generation
        what = (
            f"{at.n:,} requests of {at.new_tokens} new tokens each"
            if at
            else f"{document.latency.n:,} requests"
        )
        how = "tokenization excluded, idle threads of the runtime spin (its default)"
        said.append(f"Latencies: {what}, {conditions_in_words(document)}, {how}{noisy}.")
        said += _too_few(document)
    if document.energy:
        said.append(f"Energy: {document.energy.source}.")
    if document.machine:
        versions = ", ".join(
            f"{name} {version}" for name, version in sorted(document.machine.versions.items())
        )
        said.append(
            f"Machine: {machine_in_words(document)}, {document.machine.system} ({versions}),"
            f" {when(document)}, protocol {document.protocol}."
        )
    return " ".join([*said, *(_sentence(note) for note in document.notes)])


def _too_few(document: TrialDocument) -> list[str]:
    """Why the uncompressed model, which is slower and so is asked less often in the same time,
    lacks a quantile that this one has.
    """
    own, base = document.latency, document.baseline.latency if document.baseline else None
    if own is None or base is None or document.generation:
        return []
    quantiles = (("p95", own.p95_ms, base.p95_ms), ("p99", own.p99_ms, base.p99_ms))
    lacking = [name for name, ours, theirs in quantiles if ours is not None and theirs is None]
    return (
        [
            f"The uncompressed model's {base.n:,} requests in that time are too few to bound its"
            f" {listed(lacking)}."
        ]
        if lacking
        else []
    )


def _sentence(note: str) -> str:
    """
    >>> _sentence("2 threads share 1 core"), _sentence("the warm-up did not settle.")
    ('2 threads share 1 core.', 'The warm-up did not settle.')
    """
    return f"{note[0].upper()}{note[1:].rstrip('.')}." if note else ""


def _recipe(document: TrialDocument) -> str:
    if not document.recipe.stages:
        return "It was exported as it is: no weight was changed."
    steps = "\n".join(
        f"{number}. {stage.title}: {stage.in_words()}"
        for number, stage in enumerate(document.recipe.stages, start=1)
    )
    return (
        f"{steps}\n\n```yaml\n{document.recipe.to_yaml()}```\n\nThe same text is in `recipe.yaml`;"
        f" its id is {document.recipe_id}."
    )


def _again(document: TrialDocument, model: str, task: str) -> str:
    return (
        f"```sh\nparetoscope run {model} --recipe recipe.yaml --task {task} --protocol"
        f" {document.protocol}\n```\n\n`manifest.json` has the sha256 of every file, the hash of"
        " every split, and the conditions."
        + (
            ""
            if document.generation
            else " `python run.py --evaluate examples.jsonl` scores lines of `text` and `label`."
        )
    )


def _limits(document: TrialDocument, task: str) -> str:
    split = document.quality.split if document.quality else "validation"
    selected = (
        ""
        if split == "test"
        else (
            " A model picked among many for its figures on this split looks a little better there"
            " than it is."
        )
    )
    return (
        f"Quality holds for texts like those of {task} ({split} split).{selected} Latency, memory"
        " and energy hold for the machine and conditions above; the ratio to the uncompressed"
        " model travels better than milliseconds. What the base model gets wrong or has learned"
        " unfairly, this one has too."
    )
