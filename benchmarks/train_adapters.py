"""Train the low-rank adapters that ship in `data/adapters/` and say how good they are.

    python benchmarks/train_adapters.py                  # all of them
    python benchmarks/train_adapters.py minilm-trec

`minilm-movies` and `minilm-sms` learn from the labels alone: on the validation split of movies the
low rank did better (.881) than fine-tuning the whole encoder (.869 and .863). On `trec`, where the
whole encoder did better (.933 to .942 against .930), the adapter has teachers:

1. The whole encoder is fine-tuned a few times with different seeds and learning rates.
2. The adapter learns from the labels and from the teachers' mean outputs, on the training texts and
on copies of
   them with words masked or left out, of which the teachers say what they think (Jiao et al. 2020,
   arXiv:1909.10351).

Training sees the train split only, settings were chosen on the validation split, and the test split
is opened once, at the end, for the number that is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from paretoscope.distillation.augment import with_copies
from paretoscope.models import adapters
from paretoscope.models.checkpoint import encoder_with_new_head
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import linear
from paretoscope.recipes.context import EncodedSplit
from paretoscope.sources.resolve import BUILTIN_MODELS, MINILM
from paretoscope.tasks.load import load_task
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import Task
from paretoscope.tasks.tokens import encode
from paretoscope.training.encoder import logits, train
from paretoscope.workspace import SHIPPED


@dataclass(frozen=True)
class Training:
    """One run of the training loop."""

    epochs: float
    learning_rate: float
    seed: int
    batch_size: int = 32


@dataclass(frozen=True)
class Settings:
    """How one adapter is made. Without teachers it learns from the labels alone."""

    teachers: tuple[Training, ...]
    student: Training
    copies: int
    identity_pooler: bool
    """Start the pooler as the identity in place of the package's, whose weights are small (0.007 on
    average).
    """
    rank: int = 16
    scale: float = 2.0
    soft_weight: float = 0.8
    temperature: float = 2.0


SETTINGS = {
    "minilm-trec": Settings(
        teachers=(Training(4, 2e-4, 1), Training(5, 1e-4, 2, batch_size=16), Training(5, 2e-4, 3)),
        student=Training(2, 1.5e-3, 0),
        copies=4,
        identity_pooler=True,
    ),
    "minilm-movies": Settings(
        teachers=(), student=Training(3, 5e-4, 0), copies=0, identity_pooler=False
    ),
    "minilm-sms": Settings(
        teachers=(), student=Training(3, 5e-4, 0), copies=0, identity_pooler=False
    ),
}


# --- data -----------------------------------------------------------------------------------------


def encoded_splits(task: Task, tokenizer: Path) -> dict[str, EncodedSplit]:
    """All splits of a task as token ids."""
    return {
        name: EncodedSplit(
            encode(tokenizer, split.texts, task.max_length), split.labels, split.sha256
        )
        for name, split in task.splits.items()
    }


def accuracy(outputs: np.ndarray, split: EncodedSplit) -> float:
    return float((outputs.argmax(axis=1) == split.labels).mean())


# --- training -------------------------------------------------------------------------------------


def new_classifier(base: Path, labels: int, seed: int, identity_pooler: bool) -> PreTrainedModel:
    """MiniLM with a random classifier."""
    torch.manual_seed(seed)
    model = encoder_with_new_head(base, labels)
    if identity_pooler:
        pooler = linear(model, anatomy(model).head[0])
        torch.nn.init.eye_(pooler.weight)
        torch.nn.init.zeros_(pooler.bias)
    return model


def teacher_outputs(
    base: Path, labels: int, split: EncodedSplit, larger: EncodedSplit, settings: Settings
) -> np.ndarray | None:
    """Mean logits [texts, classes] on `larger` of classifiers fine-tuned on `split`."""
    outputs: list[np.ndarray] = []
    for training in settings.teachers:
        model = new_classifier(base, labels, training.seed, settings.identity_pooler)
        run(model, split, training, f"teacher {len(outputs) + 1} of {len(settings.teachers)}")
        outputs.append(logits(model, larger))
    return np.mean(np.stack(outputs), axis=0) if outputs else None


def train_low_rank(
    base: Path, labels: int, split: EncodedSplit, teacher: np.ndarray | None, settings: Settings
) -> dict[str, torch.Tensor]:
    """Adapter tensors of a classifier: low-rank parts of the encoder's matrices; its biases, layer
    norms and head in full.
    """
    model = new_classifier(base, labels, settings.student.seed, settings.identity_pooler)
    parts = anatomy(model)
    adapters.attach(model, parts.linears, settings.rank, settings.scale)
    embeddings = parts.embeddings.rsplit(".", 1)[0] + "."
    for name, parameter in model.named_parameters():
        if name.startswith(embeddings):
            parameter.requires_grad_(False)
    replaced = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and ".lora_" not in name
    ]
    run(
        model,
        split,
        settings.student,
        "adapter",
        teacher,
        settings.temperature,
        settings.soft_weight,
    )
    tensors = adapters.detach(model, settings.scale)
    parameters = dict(model.named_parameters())
    return tensors | {name: parameters[name].detach() for name in replaced}


def run(
    model: PreTrainedModel,
    split: EncodedSplit,
    training: Training,
    name: str,
    teacher: np.ndarray | None = None,
    temperature: float = 1.0,
    soft_weight: float = 0.0,
) -> None:
    """`train` with progress on stderr."""
    train(
        model,
        split,
        epochs=training.epochs,
        learning_rate=training.learning_rate,
        seed=training.seed,
        batch_size=training.batch_size,
        teacher_logits=teacher,
        temperature=temperature,
        soft_weight=soft_weight,
        progress=told(name),
    )


def told(name: str) -> Callable[[int, int], None]:
    """A progress function that prints every hundredth step."""
    began = time.monotonic()

    def progress(step: int, steps: int) -> None:
        if step % 100 == 0 or step == steps:
            print(
                f"  {name}: step {step} of {steps}, {time.monotonic() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )

    return progress


# --- making ---------------------------------------------------------------------------------------


def make_adapter(name: str, folder: Path, open_test: bool = True) -> None:
    """Train one adapter, write it to `folder` and print its accuracies, measured on the tensors as
    stored.
    """
    carrier = MINILM.folder()
    assert carrier is not None, f"install {MINILM.package} first"
    base, settings = carrier / "model", SETTINGS[name]
    task = load_task(resolve_task(BUILTIN_MODELS[name][0]))
    labels = len(task.labels)
    splits = encoded_splits(task, base / "tokenizer.json")
    mask_id = Tokenizer.from_file(str(base / "tokenizer.json")).token_to_id("[MASK]")
    assert mask_id is not None
    larger = with_copies(splits["train"], settings.copies, mask_id, settings.student.seed)
    teacher = teacher_outputs(base, labels, splits["train"], larger, settings)
    tensors = train_low_rank(base, labels, larger, teacher, settings)
    scores, stored = score(
        base, tensors, splits, ("validation", "test") if open_test else ("validation",), labels
    )
    metadata = {
        "base": f"{MINILM.package}=={MINILM.version()}",
        "task": task.name,
        "labels": json.dumps(task.labels),
        "train_sha256": task.splits["train"].sha256,
        "command": f"python benchmarks/train_adapters.py {name}",
        "validation_accuracy": f"{scores['validation']:.4f}",
    }
    target = folder / f"{name}.safetensors"
    adapters.write_adapter(target, adapters.Adapter(stored, metadata))
    print(json.dumps({"adapter": name, "bytes": target.stat().st_size, **scores}), flush=True)


def score(
    base: Path,
    tensors: dict[str, torch.Tensor],
    splits: dict[str, EncodedSplit],
    names: tuple[str, ...],
    labels: int,
) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Accuracy by split of the adapter after a trip through its file, and its tensors as they came
    back.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.safetensors"
        adapters.write_adapter(draft, adapters.Adapter(tensors, {}))
        stored = adapters.read_adapter(draft)
    model = encoder_with_new_head(base, labels)
    adapters.merge(model, stored)
    return {
        name: round(accuracy(logits(model, splits[name]), splits[name]), 4) for name in names
    }, dict(stored.tensors)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the adapters that ship with the project.")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="ADAPTER",
        help=f"which, of {', '.join(SETTINGS)}; all when left out",
    )
    parser.add_argument(
        "--to", type=Path, default=SHIPPED / "adapters", metavar="DIR", help="where to write them"
    )
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="threads to train with"
    )
    parser.add_argument(
        "--validation-only",
        action="store_true",
        help="leave the test split closed, while settings are being chosen",
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(SETTINGS))
    if unknown:
        parser.error(f'there is no adapter "{unknown[0]}"; known are: {", ".join(SETTINGS)}')
    torch.set_num_threads(arguments.threads)
    for name in arguments.names or SETTINGS:
        make_adapter(name, arguments.to, open_test=not arguments.validation_only)


if __name__ == "__main__":
    main()
