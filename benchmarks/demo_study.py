"""Make and measure the study that ships in data/demo on this machine.

    make demo-study        # all three models, about two hours on 2 cores
    python benchmarks/demo_study.py minilm-trec --protocol standard --to study.json.gz

The models stay in the workspace; the file gets measurements only, with machine and date, and a file
of samples beside it the predictions and latencies of each model. Entries for models that are not
named are kept. An interrupted run continues where it stopped.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.study_samples import write_study_samples
from paretoscope.catalog import request
from paretoscope.engine.pipeline import run_trial
from paretoscope.recipes.file import load_recipe, parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.study import STUDY, shipped_study
from paretoscope.trials.study_samples import study_samples_file
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import SHIPPED, Workspace, write_whole

INT8 = {"kind": "quantize"}
STUDENT = {"kind": "distill", "layers": 3}
RECOVERED = {"retrain_epochs": 1, "distill_weight": 0.5}


def weights(bits: float, embedding: int = 8) -> dict[str, Any]:
    return {"kind": "quantize", "scheme": "weight-only", "bits": bits, "embedding_bits": embedding}


def pruned(target: str, ratio: float) -> dict[str, Any]:
    return {"kind": "prune-structure", "target": target, "ratio": ratio, "retrain_epochs": 2}


def cut(ratio: float) -> dict[str, Any]:
    return {"kind": "prune-structure", "target": "vocabulary", "ratio": ratio, "retrain_epochs": 1}


def shorter(ratio: float) -> dict[str, Any]:
    """Layer pruning of a language model by block influence."""
    return {
        "kind": "prune-structure",
        "target": "layers",
        "ratio": ratio,
        "criterion": "activation",
    }


def of_file(name: str) -> list[dict[str, Any]]:
    """The stages of a recipe in data/recipes."""
    return [stage.canonical() for stage in load_recipe(SHIPPED / "recipes" / f"{name}.yaml").stages]


BOTH: list[list[dict[str, Any]]] = [
    [],
    [INT8],
    [{"kind": "quantize", "embedding_bits": 4}],
    [{"kind": "quantize", "scheme": "int8-static"}],
    [weights(8)],
    [weights(6)],
    [weights(4)],
    [weights(4, embedding=4)],
    [weights(3)],
    [weights(2)],
    [{"kind": "quantize", "scheme": "int8-static", "calibration": "percentile", "smooth": 0.5}],
    [weights(3) | {"rounding": "gptq", "allocation": "sensitivity"}],
    [weights(2) | {"rounding": "gptq"}],
    [{"kind": "prune-weights", "sparsity": 0.5}, INT8],
    [{"kind": "prune-weights", "sparsity": 0.6, "method": "sparsegpt"}, INT8],
    [cut(0.5), INT8],
    [{"kind": "prune-weights", "pattern": "2:4"}, INT8],
]
MORE: list[list[dict[str, Any]]] = [
    [STUDENT],
    [STUDENT, INT8],
    [STUDENT, weights(4, embedding=4)],
    [pruned("ffn", 0.5)],
    [pruned("ffn", 0.5), INT8],
    [{"kind": "prune-weights", "sparsity": 0.3}, INT8],
    [{"kind": "prune-weights", "sparsity": 0.7, "steps": 3, "retrain_epochs": 2}, INT8],
    [pruned("ffn", 0.75), INT8],
    [pruned("heads", 0.5), INT8],
    [STUDENT, pruned("ffn", 0.5), INT8],
    [STUDENT, pruned("ffn", 0.5), weights(4, embedding=4)],
    [STUDENT | {"soft_weight": 0.0}, INT8],
    [STUDENT, cut(0.65), INT8],
    [STUDENT, cut(0.65), weights(4, embedding=4)],
    [STUDENT, cut(0.65), pruned("ffn", 0.25), {"kind": "quantize", "embedding_bits": 4}],
    [{"kind": "distill", "layers": 2}, INT8],
    [pruned("ffn", 0.25) | {"retrain_epochs": 0}, INT8],
    [pruned("ffn", 0.5) | {"retrain_epochs": 0}, INT8],
]
OF_LANGUAGE: list[list[dict[str, Any]]] = [
    [],
    of_file("smollm2-sixth"),
    [weights(8)],
    [weights(4)],
    [weights(4, embedding=4) | {"head_bits": 4}],
    [weights(4) | {"zero_point": "real"}],
    [weights(6)],
    [weights(4) | {"zero_point": "real", "cache_bits": 8}],
    [weights(3) | {"rounding": "gptq", "allocation": "sensitivity"}],
    of_file("smollm2-eighth"),
    [{"kind": "prune-weights", "sparsity": 0.5, "method": "sparsegpt"}, weights(8)],
    [shorter(0.2)],
    [shorter(0.2) | RECOVERED],
    [shorter(0.2) | RECOVERED, weights(4) | {"zero_point": "real"}],
    [shorter(0.34) | RECOVERED, weights(4) | {"zero_point": "real"}],
    [
        {"kind": "prune-structure", "target": "ffn", "ratio": 0.2, "criterion": "activation"}
        | RECOVERED,
        weights(8),
    ],
]
REFERENCES = [of_file("reference-tf-idf"), of_file("reference-token-embeddings")]
STUDY_OF: dict[str, list[list[dict[str, Any]]]] = {
    "minilm-trec": [*BOTH, *MORE, of_file("trec-tenth"), *REFERENCES],
    "minilm-movies": [*BOTH, of_file("movies-tenth"), *REFERENCES],
    "smollm2-135m": OF_LANGUAGE,
}
"""Reviews are longer, and language models take longer to evaluate: their lists are shorter."""


def recipes(model: str) -> list[Recipe]:
    """Every recipe of the list, each after its prefixes, so that chains can be shown by stage."""
    chains = [parse_recipe({"stages": stages}) for stages in STUDY_OF[model]]
    return list(
        dict.fromkeys(
            step
            for chain in chains
            for step in (*(chain.prefix(count) for count in range(1, len(chain.stages))), chain)
        )
    )


def main() -> None:
    args = _parser().parse_args()
    workspace = Workspace(args.workspace.resolve())
    kept = [document for document in shipped_study(args.to) if document.model not in args.models]
    made = {
        model: [measured(model, recipe, args.protocol, workspace) for recipe in recipes(model)]
        for model in args.models
    }
    documents = [*kept, *(document for found in made.values() for document in found)]
    machines = Counter(document.machine.in_words() for document in documents if document.machine)
    about = "Made and measured by make demo-study: " + "; ".join(
        f"{count} models on {machine}" for machine, count in machines.items()
    )
    content = {"about": about, "trials": [document.to_json() for document in documents]}
    write_whole(args.to, gzip.compress(json.dumps(content).encode(), mtime=0))
    print(f"{args.to}: {about}, {args.to.stat().st_size / 1e3:.0f} kB")
    for model, found in made.items():
        path = study_samples_file(model, args.to)
        size = write_study_samples(path, workspace, [document.trial_id for document in found])
        print(f"{path}: predictions and latencies, {size / 1e3:.0f} kB")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("models", nargs="*", default=list(STUDY_OF), metavar="MODEL", help=" | ".join(STUDY_OF))
    add("--protocol", choices=("quick", "standard"), default="quick")
    add("--to", type=Path, default=STUDY, help="file of the study")
    add("--workspace", type=Path, default=Workspace.at().root / "demo", help="folder of the models")
    return parser


def measured(model: str, recipe: Recipe, protocol: str, workspace: Workspace) -> TrialDocument:
    """The document of one trial without local paths; read from the workspace if it is there."""
    wanted = request(model, recipe, protocol=protocol)  # pyright: ignore[reportArgumentType]
    kept = workspace.root / "documents" / f"{wanted.trial_id}.json"
    if kept.is_file():
        return TrialDocument.model_validate_json(kept.read_bytes())
    start = time.perf_counter()
    document = without_paths(run_trial(wanted, workspace, lambda progress: None))
    write_whole(kept, document.model_dump_json())
    assert document.quality and document.artifact
    faster = f"{document.speedup.value:.2f}x" if document.speedup else "-"
    print(
        f"{model:<14} {recipe.in_words():<50} {document.quality.value:.4f}"
        f" {document.artifact.size_bytes / 1e6:7.2f} MB {faster:>6}  "
        f" {time.perf_counter() - start:4.0f} s",
        flush=True,
    )
    return document


def without_paths(document: TrialDocument) -> TrialDocument:
    assert document.artifact
    changed: dict[str, Any] = {"artifact": document.artifact.model_copy(update={"path": ""})}
    if document.baseline:
        artifact = document.baseline.artifact.model_copy(update={"path": ""})
        changed["baseline"] = document.baseline.model_copy(update={"artifact": artifact})
    return document.model_copy(update=changed)


if __name__ == "__main__":
    main()
