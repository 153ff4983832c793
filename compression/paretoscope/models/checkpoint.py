"""Checkpoints: preparing the first one of a trial, reading, writing.

A checkpoint is a folder with `config.json`, `model.safetensors` (fp32) and `tokenizer.json`, and
for a decoder `tokenizer_config.json` (with the chat template) and `generation_config.json`. After
pruning, tensors may be smaller than in the config; their shapes are authoritative, so a pruned
model needs no extra key. Code in a model's folder is not executed, and pickle is not read.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.initialization import no_init_weights
from transformers.utils import logging as transformers_logging

from paretoscope.errors import ModelError
from paretoscope.models.adapters import merge, read_adapter
from paretoscope.models.architecture import architecture_of
from paretoscope.models.decoder.support import check_supported
from paretoscope.models.modules.access import is_decoder
from paretoscope.models.pretrained import first_line, trained
from paretoscope.models.tokenizer import (
    check_tokenizer,
    own_tokenizer,
    tokenizer_json,
    write_tokenizer_config,
)
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.splits import Task

_safetensors: Any = safetensors_torch
WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"

# Progress bars and loading reports would mix with the progress lines of a run; problems are raised
# as errors.
transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()


def prepare(ref: ModelRef, task: Task, folder: Path, max_length: int | None = None) -> None:
    """Write the fp32 checkpoint of a model for a task. A classifier's adapter is merged, and its
    config gets the task's label names.

    Raises `ModelError` if the model has no trained head, if it has another number of labels than
    the task, if weights or tokenizer cannot be read, or if tokenizer.json would give other token
    ids than transformers for texts of at most `max_length` tokens.
    """
    model = _with_adapter(ref) if ref.adapter else trained(ref)
    own = own_tokenizer(ref)
    table: Any = model.get_input_embeddings()
    written = tokenizer_json(ref, own, len(table.weight))
    check_tokenizer(ref, own, written, len(table.weight), task, max_length)
    folder.mkdir(parents=True, exist_ok=True)
    if ref.architecture == "decoder":
        check_supported(model.config)
        write_tokenizer_config(own, folder)
    else:
        _name_labels(model, ref, task)
    tokenizer = folder / TOKENIZER
    tokenizer.write_text(written, encoding="utf-8")
    save_model(model, folder, tokenizer)


def _name_labels(model: PreTrainedModel, ref: ModelRef, task: Task) -> None:
    """Put the task's labels into the model's config, in place."""
    if model.config.num_labels != len(task.labels):
        raise ModelError(
            f'"{ref.name}" has {model.config.num_labels} output labels, but the task "{task.name}"'
            f" has {len(task.labels)}; choose a task with the labels that the model was trained on."
        )
    model.config.id2label = dict(enumerate(task.labels))
    model.config.label2id = {label: number for number, label in enumerate(task.labels)}


def _with_adapter(ref: ModelRef) -> PreTrainedModel:
    """A built-in classifier: the encoder in `ref.path` with the adapter merged."""
    assert ref.path is not None
    assert ref.adapter is not None
    adapter = read_adapter(ref.adapter)
    labels = json.loads(adapter.metadata["labels"])
    model = encoder_with_new_head(Path(ref.path), len(labels))
    merge(model, adapter)
    return model


def encoder_with_new_head(folder: Path, labels: int) -> PreTrainedModel:
    """A sequence classifier on the encoder in `folder`; torch's seed determines its random head."""
    factory: Any = AutoModelForSequenceClassification
    model: PreTrainedModel = factory.from_pretrained(
        folder,
        num_labels=labels,
        use_safetensors=True,
        dtype=torch.float32,
        local_files_only=True,
        trust_remote_code=False,
    )
    return model.eval()


def load_model(folder: Path, attention: str | None = None) -> PreTrainedModel:
    """The model of a checkpoint, in eval mode and fp32, with the shapes of the stored tensors.

    `attention` is "sdpa", "eager", or by default the fastest of the family. Raises `ModelError` if
    a file is missing or damaged or if shapes are inconsistent.
    """
    config = _read_config(folder)
    kind: Any = AutoModelForCausalLM if is_decoder(config) else AutoModelForSequenceClassification
    with no_init_weights():
        model: PreTrainedModel = kind.from_config(
            config, attn_implementation=attention, dtype=torch.float32, trust_remote_code=False
        )
    tensors = _read_weights(folder / WEIGHTS)
    architecture = architecture_of(model)
    architecture.resize(tensors, folder / WEIGHTS)
    tensors |= architecture.implied_tensors(tensors)
    architecture.read_settings(folder)
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f'The tensors in "{folder / WEIGHTS}" do not match its config ({reason}); make the'
            " checkpoint again."
        ) from error
    return model.eval()


def _read_config(folder: Path) -> PreTrainedConfig:
    factory: Any = AutoConfig
    try:
        return factory.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f'The config "{folder / CONFIG}" cannot be read: {first_line(error)}; make the'
            " checkpoint again."
        ) from error


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return _safetensors.load_file(path)
    except FileNotFoundError as error:
        raise ModelError(
            f'There is no file "{path}"; a model folder needs its weights as {WEIGHTS}.'
        ) from error
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f'The weights "{path}" are damaged ({first_line(error)}); download or make them again.'
        ) from error


def _config_json(config: PreTrainedConfig) -> str:
    """What differs from the defaults, and the names of a classifier's outputs in any case: names
    such as LABEL_0 are defaults, too, but an artefact reads them.
    """
    content: dict[str, Any] = config.to_diff_dict()
    if not is_decoder(config):
        content["id2label"] = config.id2label
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def save_model(model: PreTrainedModel, folder: Path, tokenizer: Path) -> None:
    """Write a checkpoint and a copy of the tokenizer; raises `ModelError` if writing fails."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = [type(model).__name__]
    tensors: dict[str, Tensor] = {}
    architecture = architecture_of(model)
    omitted = architecture.omitted_tensors()
    for name, tensor in model.state_dict().items():
        if name in omitted:
            continue
        written = tensor.detach().float().contiguous()
        tied = any(
            written.data_ptr() == other.data_ptr()
            for other in tensors.values()
            if other.shape == written.shape
        )
        # safetensors cannot store one tensor under two names
        tensors[name] = written.clone() if tied else written
    try:
        _safetensors.save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        (folder / CONFIG).write_text(_config_json(model.config), encoding="utf-8")
        architecture.write_settings(folder)
        if tokenizer.resolve() != (folder / TOKENIZER).resolve():
            shutil.copyfile(tokenizer, folder / TOKENIZER)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f'The checkpoint "{folder}" could not be written ({first_line(error)}); make room on'
            " the disk."
        ) from error
