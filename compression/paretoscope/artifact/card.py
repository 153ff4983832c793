"""The README.md of an artefact, a Hugging Face model card: YAML front matter, then Markdown.

It states the origin of the model, the measurements with their conditions, and how to run it, all
taken from the trial document. Paths of local models and data are shortened to their last part.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from paretoscope.artifact.front_matter import front_matter, short_name
from paretoscope.artifact.operators import OperatorTable
from paretoscope.report.tables.table import Row
from paretoscope.trials.command import run_command, split_command
from paretoscope.trials.format import (
    conditions_in_words,
    listed,
    machine_in_words,
    p_in_words,
    plain_notes,
    warnings,
    when,
)
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.trial import WARNING, TrialDocument

SHOWN = (
    "quality perplexity agreement kl size_bytes latency_p50_ms latency_p90_ms latency_p95_ms"
    " latency_p99_ms speedup tpot_ms ttft_ms tokens_per_s ttft_speedup load_ms peak_memory_bytes"
    " steady_memory_bytes energy_j"
).split()
"""Rows of the table of measurements, in order."""
RUN_CLASSIFIER = (
    '```sh\npip install onnxruntime tokenizers\npython run.py "some text" "another"\npython run.py'
    " --time\n```\n\n`model.onnx` takes `input_ids` and `attention_mask` (int64, `[batch,"
    " sequence]`) and returns `logits` (float32, `[batch, classes]`); `config.json` names the"
    " classes."
)
RUN_DECODER = (
    '```sh\npip install onnxruntime tokenizers\npython run.py "What is a'
    ' token?"\n```\n\n`model.onnx` with `model.onnx.data` takes `input_ids`, `attention_mask` and'
    " the key-value cache of the previous tokens, and returns `logits` (float32, `[batch, 1,"
    " vocabulary]`) of the next token. onnxruntime-genai runs the same folder."
)


def model_card(
    document: TrialDocument,
    *,
    base: str = "",
    source: str = "",
    licence: str | None = None,
    base_model: str | None = None,
    operators: OperatorTable | None = None,
) -> str:
    """The model card of a measured trial, as Markdown that ends with a newline.

    `base` describes the base model, `source` its origin; `licence` is its SPDX id and `base_model`
    its hub id where known. Without `operators` of the graph their section is left out.
    """
    model, task = short_name(document.model), short_name(document.task)
    made_from = "; ".join(part for part in (base, source) if part) or "see its model card"
    spdx = f" ({licence})" if licence else ""
    sections = [
        front_matter(document, base_model=base_model, licence=licence),
        f"# {model}: {document.recipe.in_words()}",
        (
            f"{_kind(document)} in ONNX format, made from **{model}** ({made_from}) and measured on"
            f" **{task}**. The licence of the base model{spdx} applies"
            " to this model, too."
        ),
        *(f"> **{WARNING.strip()}** {_sentence(warning)}" for warning in warnings(document.notes)),
        "## Measurements\n\n" + _figures(document),
        "## Compression recipe\n\n" + _recipe(document),
        "## Usage\n\n" + (RUN_DECODER if document.generation else RUN_CLASSIFIER),
        operators.section() if operators else "",
        "## Reproduction\n\n" + _again(document, task),
        "## Limitations\n\n" + _limits(document, task),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _kind(document: TrialDocument) -> str:
    if document.recipe.is_reference:
        return "A reference point, fitted on the training split and no compressed model,"
    return "A language model" if document.generation else "A text classifier"


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
    """Conditions of the figures, comparison with the baseline, and notes, as one paragraph."""
    sentences = [
        "95 % intervals in brackets.",
        *_quality_conditions(document),
        *_comparison(document),
        *_latency_conditions(document),
    ]
    if document.energy:
        sentences.append(f"Energy: {document.energy.source}.")
    if document.machine:
        found = sorted(document.machine.versions.items())
        versions = ", ".join(f"{name} {version}" for name, version in found)
        sentences.append(
            f"Machine: {machine_in_words(document)}, {document.machine.system} ({versions}),"
            f" {when(document)}, protocol {document.protocol}."
        )
    return " ".join([*sentences, *(_sentence(note) for note in plain_notes(document.notes))])


def _quality_conditions(document: TrialDocument) -> Iterator[str]:
    quality = document.quality
    if quality is None:
        return
    unit = "tokens" if quality.metric == "perplexity" else "examples"
    graph = "the same file with logits for every token" if document.generation else "this file"
    label = METRICS[document.axes.quality].label
    yield (
        f"{label}: {quality.n:,} {unit} of the {quality.split} split, measured with ONNX Runtime on"
        f" {graph}."
    )
    if quality.max_length is not None:
        yield f"Texts are truncated to {quality.max_length} tokens."


def _comparison(document: TrialDocument) -> Iterator[str]:
    pair = document.paired
    if pair is None:
        return
    if pair.change:
        interval = METRICS["perplexity_change"].interval(pair.change.low, pair.change.high)
        yield (
            f"Change in perplexity from the uncompressed model on the same documents:"
            f" {100 * pair.change.value:+.2f} % {interval}."
        )
    correct = "Correct top-1 next tokens" if pair.change else "Correct predictions"
    yield (
        f"{correct} compared with the uncompressed model: {pair.lost} lost, {pair.gained} gained"
        f" (McNemar {p_in_words(pair.mcnemar_p)})."
    )
    if pair.kl_floor is not None:
        yield (
            "KL divergence of the uncompressed model from itself with other threads and another"
            f" batch: {pair.kl_floor:.2g} nats."
        )


def _latency_conditions(document: TrialDocument) -> Iterator[str]:
    latency, generation = document.latency, document.generation
    if latency is None:
        return
    runs = f"{latency.n:,} requests"
    if generation:
        runs = f"{generation.n:,} requests of {generation.new_tokens} new tokens each"
    noisy = "; the session was noisy, so interpret them with care" if latency.noisy else ""
    yield (
        f"Latencies: {runs}, {conditions_in_words(document)}, without tokenization, with spinning"
        f" idle threads (the runtime's default){noisy}."
    )
    if document.placebo:
        ends = METRICS["speedup"].interval(document.placebo.low, document.placebo.high)
        yield (
            f"Placebo: the uncompressed model measured against itself in the same session:"
            f" {document.placebo.value:.2f}x {ends}."
        )
    yield from _too_few(document)


def _too_few(document: TrialDocument) -> list[str]:
    """Why the uncompressed model lacks a quantile that this model has.

    It is slower, so fewer requests fit in the time of a measurement.
    """
    own, base = document.latency, document.baseline.latency if document.baseline else None
    if own is None or base is None or document.generation:
        return []
    quantiles = (("p95", own.p95_ms, base.p95_ms), ("p99", own.p99_ms, base.p99_ms))
    lacking = [name for name, ours, theirs in quantiles if ours is not None and theirs is None]
    return (
        [
            f"The {base.n:,} requests of the uncompressed model in the same time are too few for"
            f" an interval of its {listed(lacking)}."
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
        return "None: the model was exported without compression."
    steps = "\n".join(
        f"{number}. {stage.title}: {stage.in_words()}"
        for number, stage in enumerate(document.recipe.stages, start=1)
    )
    return (
        f"{steps}\n\n```yaml\n{document.recipe.to_yaml()}```\n\n`recipe.yaml` has the same"
        f" content; its id is {document.recipe_id}."
    )


def _again(document: TrialDocument, task: str) -> str:
    """The commands that measure the model again, and that score the artefact by itself."""
    model = document.model
    if Path(model).is_absolute():
        model = f"./{Path(model).name}"
    options = document.data_options
    if unlabelled := options.get("unlabelled"):
        options = options | {"unlabelled": Path(unlabelled).name}
    document = document.model_copy(update={"data_options": options})
    again = (
        "In a folder with the model, the data and `recipe.yaml`:\n\n```sh\n"
        f"{run_command(document, model, task)}\n```\n\n`manifest.json` has the sha256 of every file"
        " and split, the options of the data and the measuring conditions."
    )
    if document.generation:
        return again
    split = document.quality.split if document.quality else "validation"
    return (
        f"{again}\n\n`run.py --evaluate` computes the accuracy on lines with `text` and `label`,"
        f" such as those of the {split} split:\n\n```sh\n{split_command(document, task, split)}\n"
        "python run.py --evaluate examples.jsonl\n```"
    )


def _limits(document: TrialDocument, task: str) -> str:
    split = document.quality.split if document.quality else "validation"
    selected = (
        ""
        if split == "test"
        else (
            " A model selected from many by its results on this split is slightly overestimated"
            " on it."
        )
    )
    return (
        f"Quality applies to texts like those of {task} ({split} split).{selected} Latency, memory"
        " and energy apply to the machine and conditions above; speed-ups transfer to other"
        " machines better than milliseconds. Errors and biases of the base model remain."
    )
