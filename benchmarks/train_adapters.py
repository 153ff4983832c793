"""Train the low-rank adapters that ship in `data/adapters/` and say how good they are.

    python benchmarks/train_adapters.py                  # all of them, about half an hour on two cores
    python benchmarks/train_adapters.py minilm-trec

Training sees the train split only, settings were chosen on the validation split, and the test split is opened
once, at the end, for the number that is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from compression.catalog import BUILTIN_MODELS, MINILM, resolve_task
from compression.models import adapters
from compression.models.anatomy import anatomy
from compression.models.context import EncodedSplit
from compression.models.load import encoder_with_new_head
from compression.models.train import logits, train
from compression.tasks import Task, encode, load_task
from compression.workspace import SHIPPED


@dataclass(frozen=True)
class Settings:
    """How one adapter is trained."""

    epochs: float
    learning_rate: float
    rank: int = 16
    scale: float = 2.0
    seed: int = 0


SETTINGS = {
    "minilm-trec": Settings(epochs=6, learning_rate=1e-3),
    "minilm-movies": Settings(epochs=3, learning_rate=5e-4),
    "minilm-sms": Settings(epochs=3, learning_rate=5e-4),
}


def encoded_splits(task: Task, base: Path) -> dict[str, EncodedSplit]:
    """All splits of a task as token ids."""
    tokenizer = base / "tokenizer.json"
    return {name: EncodedSplit(encode(tokenizer, split.texts, task.max_length), split.labels, split.sha256) for name, split in task.splits.items()}


def accuracy(outputs: np.ndarray, split: EncodedSplit) -> float:
    return float((outputs.argmax(axis=1) == split.labels).mean())


def train_low_rank(base: Path, labels: int, split: EncodedSplit, settings: Settings) -> dict[str, torch.Tensor]:
    """Adapter tensors of a classifier: low-rank parts of the encoder's matrices; its biases, layer norms and head in full."""
    torch.manual_seed(settings.seed)
    model = encoder_with_new_head(base, labels)
    parts = anatomy(model)
    adapters.attach(model, parts.linears, settings.rank, settings.scale)
    embeddings = parts.embeddings.rsplit(".", 1)[0] + "."
    for name, parameter in model.named_parameters():
        if name.startswith(embeddings):
            parameter.requires_grad_(False)
    replaced = [name for name, parameter in model.named_parameters() if parameter.requires_grad and ".lora_" not in name]
    began = time.monotonic()

    def progress(step: int, steps: int) -> None:
        if step % 50 == 0 or step == steps:
            print(f"  step {step} of {steps}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    train(model, split, epochs=settings.epochs, learning_rate=settings.learning_rate, seed=settings.seed, progress=progress)
    tensors = adapters.detach(model, settings.scale)
    parameters = dict(model.named_parameters())
    return tensors | {name: parameters[name].detach() for name in replaced}


def make_adapter(name: str) -> None:
    """Train one adapter, write it and print its accuracies, measured on the file that was written."""
    base = MINILM.folder()
    assert base is not None
    base = base / "model"
    task = load_task(resolve_task(BUILTIN_MODELS[name][0]))
    splits = encoded_splits(task, base)
    tensors = train_low_rank(base, len(task.labels), splits["train"], SETTINGS[name])
    metadata = {
        "base": f"{MINILM.package}=={MINILM.version()}",
        "task": task.name,
        "labels": json.dumps(task.labels),
        "train_sha256": task.splits["train"].sha256,
        "command": f"python benchmarks/train_adapters.py {name}",
    }
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "adapter.safetensors"
        adapters.write_adapter(draft, adapters.Adapter(tensors, metadata))
        stored = adapters.read_adapter(draft)
    model = encoder_with_new_head(base, len(task.labels))
    adapters.merge(model, stored)
    scores = {split: accuracy(logits(model, splits[split]), splits[split]) for split in ("validation", "test")}
    metadata["validation_accuracy"] = f"{scores['validation']:.4f}"
    target = SHIPPED / "adapters" / f"{name}.safetensors"
    adapters.write_adapter(target, adapters.Adapter(stored.tensors, metadata))
    print(json.dumps({"adapter": name, "bytes": target.stat().st_size, **{split: round(score, 4) for split, score in scores.items()}}))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the adapters that ship with the project.")
    parser.add_argument("names", nargs="*", metavar="ADAPTER", help=f"which, of {', '.join(SETTINGS)}; all when left out")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads to train with")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(SETTINGS))
    if unknown:
        parser.error(f'there is no adapter "{unknown[0]}"; known are: {", ".join(SETTINGS)}')
    torch.set_num_threads(arguments.threads)
    for name in arguments.names or SETTINGS:
        make_adapter(name)


if __name__ == "__main__":
    main()
