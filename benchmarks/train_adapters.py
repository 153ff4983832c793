"""Train the low-rank adapters that ship in `data/adapters/` and print their accuracy.

    python benchmarks/train_adapters.py                  # all of them
    python benchmarks/train_adapters.py minilm-trec

`minilm-movies` and `minilm-sms` are trained on labels only: on the validation split of movies the
low-rank adapter was better (.881) than fine-tuning the whole encoder (.869 and .863). On `trec`
full fine-tuning was better (.933 to .942 against .930), so the adapter has teachers:

1. The whole encoder is fine-tuned with several seeds and learning rates.
2. The adapter is trained on the labels and on the teachers' mean logits, on the training texts and
   on copies with tokens masked or removed (Jiao et al. 2020, arXiv:1909.10351).

Training uses the train split; settings were chosen on the validation split. The test split is
evaluated once, at the end, for the printed accuracy.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from paretoscope.carriers import MINILM
from paretoscope.distillation.augment import with_copies
from paretoscope.models import adapters
from paretoscope.models.checkpoint import encoder_with_new_head
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import linear
from paretoscope.recipes.context import EncodedSplit
from paretoscope.sources.resolve import BUILTIN_MODELS
from paretoscope.tasks.load import load_task
from paretoscope.tasks.resolve import resolve_task
from paretoscope.tasks.splits import Task
from paretoscope.tasks.tokens import encode
from paretoscope.training.encoder import logits, train
from paretoscope.training.settings import Training
from paretoscope.workspace import SHIPPED


@dataclass(frozen=True)
class Settings:
    """Training settings of one adapter; without teachers it is trained on labels only."""

    teachers: tuple[Training, ...]
    student: Training
    copies: int
    identity_pooler: bool
    """Initialize the pooler as the identity; the package's weights are small (0.007 on average)."""
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
    """MiniLM with a randomly initialized classifier."""
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
    """Mean logits [texts, classes] on `larger` of the teachers, fine-tuned on `split`."""
    outputs: list[np.ndarray] = []
    for training in settings.teachers:
        model = new_classifier(base, labels, training.seed, settings.identity_pooler)
        name = f"teacher {len(outputs) + 1} of {len(settings.teachers)}"
        train(model, split, replace(training, progress=progress_printer(name)))
        outputs.append(logits(model, larger))
    return np.mean(np.stack(outputs), axis=0) if outputs else None


def train_low_rank(
    base: Path, labels: int, split: EncodedSplit, teacher: np.ndarray | None, settings: Settings
) -> dict[str, torch.Tensor]:
    """Adapter tensors: low-rank parts of the matrices; biases, layer norms and head in full."""
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
    training = replace(
        settings.student,
        teacher=teacher,
        temperature=settings.temperature,
        soft_weight=settings.soft_weight,
    )
    train(model, split, replace(training, progress=progress_printer("adapter")))
    tensors = adapters.detach(model, settings.scale)
    parameters = dict(model.named_parameters())
    return tensors | {name: parameters[name].detach() for name in replaced}


def progress_printer(name: str) -> Callable[[int, int], None]:
    """A progress callback that prints every hundredth step."""
    began = time.monotonic()

    def progress(step: int, steps: int) -> None:
        if step % 100 == 0 or step == steps:
            print(
                f"  {name}: step {step} of {steps}, {time.monotonic() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )

    return progress


# --- adapters -------------------------------------------------------------------------------------


def make_adapter(name: str, folder: Path, open_test: bool = True) -> None:
    """Train one adapter, write it to `folder`, and print the accuracies of the stored tensors."""
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
    """Accuracy by split after a round trip through the adapter's file, and the tensors read."""
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
        help=f"{', '.join(SETTINGS)} (default: all)",
    )
    parser.add_argument(
        "--to", type=Path, default=SHIPPED / "adapters", metavar="DIR", help="output folder"
    )
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="training threads"
    )
    parser.add_argument(
        "--validation-only",
        action="store_true",
        help="do not evaluate the test split, while settings are being chosen",
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(SETTINGS))
    if unknown:
        parser.error(f'unknown adapter "{unknown[0]}"; choose from {", ".join(SETTINGS)}')
    torch.set_num_threads(arguments.threads)
    for name in arguments.names or SETTINGS:
        make_adapter(name, arguments.to, open_test=not arguments.validation_only)


if __name__ == "__main__":
    main()
