"""docs/adding-a-{pruning-criterion,rounding,calibration}.md work as written."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import yaml

from paretoscope.graphs.export import export
from paretoscope.pruning import weights
from paretoscope.quantization import quantize
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.stages import PruneWeights, Quantize, methods
from paretoscope.training.sparsity_masks import encoder_weights
from paretoscope.workspace import PROJECT
from tests.quantization.places import logits, split_context
from tests.tiny.context import Recorder, tiny_model

DOCUMENTS = ["adding-a-pruning-criterion.md", "adding-a-rounding.md", "adding-a-calibration.md"]


def blocks(document: str) -> list[str]:
    """The code blocks of a document: the file, the row and the recipe."""
    text = (PROJECT / "docs" / document).read_text(encoding="utf-8")
    found = re.findall(r"```(?:python|yaml)\n(.*?)```", text, re.S)
    assert len(found) == 3
    return found


def added(document: str, folder: Path, patch: pytest.MonkeyPatch) -> PruneWeights | Quantize:
    """Add the file and the row as the document says, and return the stage of its recipe."""
    source, row, recipe = blocks(document)
    path = Path(source.splitlines()[0].removeprefix("# "))
    package = ".".join(path.parent.parts[1:])
    (folder / path.name).write_text(source)
    where = import_module(package).__path__
    patch.setattr(import_module(package), "__path__", [*where, str(folder)])
    patch.setitem(sys.modules, f"{package}.{path.stem}", ModuleType(path.stem))
    del sys.modules[f"{package}.{path.stem}"]  # imported anew, and removed after the test
    method = eval(row, dict(vars(methods)))
    text = (PROJECT / "docs" / document).read_text(encoding="utf-8")
    (table,) = re.findall(r"row goes into `(\w+)` of `(\S+)`", text)
    assert (PROJECT / table[1]) == Path(str(methods.__file__))
    patch.setitem(getattr(methods, table[0]), method.name, method)
    (stage,) = parse_recipe(yaml.safe_load(recipe)).stages
    assert isinstance(stage, PruneWeights | Quantize)
    return stage


def test_a_criterion_is_a_file_and_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = added(DOCUMENTS[0], tmp_path, monkeypatch)
    assert isinstance(stage, PruneWeights)
    ours = weights.apply(stage, tiny_model(tmp_path / "bert"), Recorder().context())
    magnitude = stage.model_copy(update={"method": "magnitude"})
    theirs = weights.apply(magnitude, tiny_model(tmp_path / "bert"), Recorder().context())
    for name, weight in encoder_weights(ours).items():
        assert int((weight == 0).sum()) == round(0.5 * weight.numel())
        assert torch.equal(weight, encoder_weights(theirs)[name])


@pytest.mark.parametrize("document", DOCUMENTS[1:])
def test_a_quantization_method_is_a_file_and_a_row(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = added(document, tmp_path, monkeypatch)
    assert isinstance(stage, Quantize)
    graph, context = export(tiny_model(tmp_path / "bert"))[0], split_context()
    default = stage.model_copy(update={"rounding": "rtn", "calibration": "minmax"})
    ours, theirs = (logits(quantize.apply(each, graph, context)) for each in (stage, default))
    assert np.isfinite(ours).all()
    assert not np.array_equal(ours, theirs)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_is_short(document: str) -> None:
    lines = (PROJECT / "docs" / document).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) < 25
