"""Different recipes have different features."""

from __future__ import annotations

from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.shape import ModelShape
from paretoscope.whatif.features import features
from tests.tiny.shapes import recipe


def test_what_differs_in_a_recipe_differs_in_its_features(bert: ModelShape) -> None:
    assert not any(features(apply_recipe(bert, recipe())).values())
    different: list[AnyStage] = [
        Distill(layers=3),
        Distill(layers=3, soft_weight=0),
        Distill(layers=3, epochs=1),
        PruneStructure(target="heads"),
        PruneStructure(target="ffn"),
        PruneStructure(target="ffn", retrain_epochs=1),
        PruneStructure(target="layers"),
        PruneWeights(sparsity=0.5),
        PruneWeights(sparsity=0.5, scope="global"),
        PruneWeights(pattern="2:4"),
        Quantize(),
        Quantize(embedding_bits=4),
        Quantize(scheme="int8-static"),
        Quantize(scheme="weight-only"),
        Quantize(scheme="weight-only", bits=3.5),
        Quantize(scheme="weight-only", group_size=64),
        Quantize(scheme="weight-only", bits=4),
        Quantize(scheme="weight-only", bits=4, zero_point="real"),
    ]
    rows = {
        tuple(round(number, 6) for number in features(apply_recipe(bert, recipe(stage))).values())
        for stage in different
    }
    assert len(rows) == len(different)


def test_widths_by_part_count_as_their_average(bert: ModelShape) -> None:
    def of(**fields: object) -> dict[str, float]:
        stage = Quantize.model_validate({"scheme": "weight-only", **fields})
        return features(apply_recipe(bert, recipe(stage)))

    every = {f"layer.{index}": 4 for index in range(6)}
    half = {f"layer.{index}": 4 for index in range(3)}
    assert of(parts=every) == of(bits=4)
    assert of(bits=4)["bits"] > of(parts=half)["bits"] > of(bits=8)["bits"]
