"""The shape after a recipe is that of the pruned model, and is computed once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paretoscope.errors import RecipeError
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import payload_bytes
from paretoscope.models.checkpoint import load_model
from paretoscope.pruning import structure
from paretoscope.quantization import quantize
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.shape import apply_recipe as applying
from paretoscope.shape.apply_recipe import apply_recipe, expected_bytes
from paretoscope.shape.compatibility import check_fit
from paretoscope.shape.read import read_shape
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.ref import ModelRef
from tests.tiny.context import Recorder
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny
from tests.tiny.shapes import bert_shape, recipe


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("target", ["heads", "ffn", "layers", "hidden"])
def test_the_shape_is_what_pruning_really_leaves(
    target: str, family: str, folders: dict[str, Path]
) -> None:
    context = Recorder().context()
    for ratio in (0.1, 0.4, 0.9):
        stage = PruneStructure.model_validate({"target": target, "ratio": ratio})
        pruned = structure.apply(stage, load_model(folders[family]), context)
        size = expected_bytes(read_shape(folders[family]), recipe(stage))
        assert size.weights_bytes == payload_bytes(export(pruned)[0]), ratio


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_of_a_smaller_vocabulary_are_exact_but_for_the_tokenizer(
    family: str, folders: dict[str, Path]
) -> None:
    known = read_shape(folders[family])
    context = Recorder().context()
    context.tokenizer = (folders[family] / "tokenizer.json").read_text(encoding="utf-8")
    stage = PruneStructure(target="vocabulary", ratio=0.01)
    size = expected_bytes(known, recipe(stage, Quantize()))
    assert size.exact
    pruned = structure.apply(stage, load_model(folders[family]), context)
    assert size.weights_bytes == payload_bytes(
        quantize.apply(Quantize(), export(pruned)[0], Recorder().context())
    )
    left = apply_recipe(known, recipe(stage)).after
    assert left.vocabulary == stage.kept(known.vocabulary) < known.vocabulary
    assert left.tokenizer_bounds is not None
    assert (
        left.tokenizer_bounds[0] - 8
        <= len(context.tokenizer.encode())
        <= left.tokenizer_bounds[1] + 8
    )
    assert "by which entries the training texts use" in size.note
    assert expected_bytes(
        known, recipe(PruneStructure(target="vocabulary", ratio=0))
    ) == expected_bytes(known, recipe())


def test_a_vocabulary_without_room_for_single_characters_is_refused_before_work_starts(
    folders: dict[str, Path],
) -> None:
    model = ModelRef(name="tiny", kind="folder", path=str(folders["bert"]), key="k")
    check_fit(model, recipe(PruneStructure(target="vocabulary", ratio=0.1)))
    for stages in ((0.5,), (0.1, 0.1)):
        with pytest.raises(RecipeError, match=r"141.*set ratio to at most"):
            check_fit(
                model,
                recipe(*(PruneStructure(target="vocabulary", ratio=ratio) for ratio in stages)),
            )


def test_stages_shape_one_after_the_other(bert: ModelShape) -> None:
    chain = recipe(
        Distill(layers=4),
        PruneStructure(target="layers", ratio=0.5),
        PruneWeights(sparsity=0.9),
        Quantize(),
    )
    assert apply_recipe(bert, chain).after.layers == 2
    with pytest.raises(RecipeError, match="its teacher has only 6"):
        apply_recipe(bert, recipe(Distill(layers=7)))


def test_equal_inputs_give_equal_values_with_a_shape_per_stage() -> None:
    chain = recipe(PruneStructure(target="ffn", ratio=0.5), Quantize())
    again = recipe(PruneStructure(target="ffn", ratio=0.5), Quantize())
    applied = apply_recipe(bert_shape(), chain)
    assert applied == apply_recipe(bert_shape(), again)
    assert hash(applied) == hash(apply_recipe(bert_shape(), again))
    assert [shape.ffn for shape in applied.steps] == [1536, 768, 768]
    assert (applied.before, applied.after) == (applied.steps[0], applied.steps[-1])
    assert applied.size == expected_bytes(bert_shape(), again)


def test_a_recipe_is_applied_once_to_equal_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[str] = []
    original = applying._apply_stage

    def counted(before: ModelShape, stage: AnyStage) -> ModelShape:
        applied.append(stage.kind)
        return original(before, stage)

    applying._applied.cache_clear()
    monkeypatch.setattr(applying, "_apply_stage", counted)
    chain = recipe(PruneStructure(target="heads", ratio=0.25), Quantize())
    for _ in range(3):
        assert expected_bytes(bert_shape(), chain).exact
    assert applied == ["prune-structure", "quantize"]


def test_a_changed_tokenizer_is_read_again(tmp_path: Path) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    shape = read_shape(folder)
    smaller = recipe(PruneStructure(target="vocabulary", ratio=0.01))
    before = apply_recipe(shape, smaller).after.tokenizer_bounds
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["continuing_subword_prefix"] = "#" * 40
    path.write_text(json.dumps(content), encoding="utf-8")
    assert apply_recipe(shape, smaller).after.tokenizer_bounds != before
