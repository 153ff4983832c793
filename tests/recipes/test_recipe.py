"""The recipe language: one meaning is one id, what is wrong is one sentence, and what makes no
sense is refused with the reason.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from paretoscope.errors import RecipeError
from paretoscope.recipes.file import load_recipe, parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import (
    GROUP_SIZES,
    STAGES,
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
)
from paretoscope.recipes.stages.methods import WEIGHT_SCORES

distills = st.builds(
    Distill,
    layers=st.integers(1, 12),
    temperature=st.floats(0.5, 10),
    soft_weight=st.floats(0, 1),
    epochs=st.floats(0, 20),
)
structures = st.builds(
    PruneStructure,
    target=st.sampled_from(["heads", "ffn", "layers", "hidden"]),
    ratio=st.floats(0, 0.99),
    retrain_epochs=st.floats(0, 9),
)
weights = st.builds(
    PruneWeights,
    sparsity=st.floats(0, 0.99),
    scope=st.sampled_from(["layer", "global"]),
    steps=st.integers(1, 100),
)
methods = st.builds(
    PruneWeights,
    method=st.sampled_from(sorted(WEIGHT_SCORES)),
    retrain_epochs=st.floats(0.5, 4),
    distill_weight=st.floats(0, 1),
)
patterns = st.builds(PruneWeights, pattern=st.sampled_from(["2:4", "4:8", "1:2", "1:64"]))
quantizations = st.builds(
    Quantize,
    scheme=st.just("weight-only"),
    bits=st.floats(2, 8),
    group_size=st.sampled_from(GROUP_SIZES),
    embedding_bits=st.sampled_from([2, 4, 8, 32]),
)
recipes = st.builds(
    lambda before, last, seed: Recipe(seed=seed, stages=(*before, *last)),
    st.lists(distills | structures | weights | methods | patterns, max_size=4),
    st.lists(quantizations, max_size=1),
    st.integers(0, 2**31 - 1),
)


@given(recipes)
def test_yaml_and_json_give_the_same_recipe_back(recipe: Recipe) -> None:
    assert parse_recipe(yaml.safe_load(recipe.to_yaml())) == recipe
    assert parse_recipe(json.loads(recipe.canonical_json())) == recipe


def test_a_file_says_what_a_stage_is_about_even_where_it_is_a_default() -> None:
    written = yaml.safe_load(Recipe(stages=(Distill(), Quantize())).to_yaml())["stages"]
    assert written == [
        {"kind": "distill", "layers": 3, "temperature": 2.0, "soft_weight": 0.7, "epochs": 6},
        {"kind": "quantize", "scheme": "int8-dynamic", "embedding_bits": 8},
    ]


def test_students_of_another_training_have_other_names() -> None:
    assert [Distill(epochs=epochs).in_words() for epochs in (6, 1, 0)] == [
        "student-3",
        "student-3 + 1 epoch",
        "student-3 untrained",
    ]


@given(recipes, recipes)
def test_equal_ids_mean_equal_recipes(one: Recipe, other: Recipe) -> None:
    assert (one.id == other.id) == (one == other)


@given(recipes)
def test_every_prefix_is_a_recipe_with_an_id_of_its_own(recipe: Recipe) -> None:
    prefixes = [recipe.prefix(count) for count in range(len(recipe.stages) + 1)]
    assert len({prefix.id for prefix in prefixes}) == len(prefixes)
    assert prefixes[-1] == recipe
    assert prefixes[0].in_words() == "fp32 baseline"


def test_defaults_written_out_change_nothing() -> None:
    short = parse_recipe({"stages": [{"kind": "quantize"}]})
    long = parse_recipe(
        {
            "version": 1,
            "seed": 0,
            "stages": [
                {"kind": "quantize", "scheme": "int8-dynamic", "bits": 8, "embedding_bits": 8}
            ],
        }
    )
    assert short.id == long.id
    assert short.id != parse_recipe({"seed": 1, "stages": [{"kind": "quantize"}]}).id


def test_a_pattern_sets_its_sparsity() -> None:
    assert PruneWeights(pattern="1:4").target_sparsity == 0.75
    assert PruneWeights(pattern="2:4", sparsity=0.5).n_of_m == (2, 4)
    assert PruneWeights().target_sparsity == 0.5


def test_ids_do_not_drift() -> None:
    """An id names cache entries and trials in people's workspaces, so a change here is a change of
    the format.
    """
    int8 = parse_recipe({"stages": [{"kind": "quantize"}]})
    assert int8.canonical_json() == '{"seed":0,"stages":[{"kind":"quantize"}],"version":1}'
    assert (Recipe().id, int8.id) == ("ebcb9290700a", "50f16e104914")


WRONG: list[tuple[Any, tuple[str, ...]]] = [
    ({"stages": [{"kind": "prune-weights", "sparsity": 1.2}]}, ("stage 1", "sparsity", "1.2")),
    ({"stages": [{"kind": "prune-weights", "sparsity": -0.1}]}, ("sparsity", "-0.1")),
    (
        {"stages": [{"kind": "prune-weights", "sparsty": 0.5}]},
        ("sparsty", 'did you mean "sparsity"?'),
    ),
    ({"stages": [{"kind": "prune-weights", "pattern": "4:2"}]}, ("N:M", "4:2")),
    (
        {"stages": [{"kind": "prune-weights", "pattern": "2:4", "sparsity": 0.7}]},
        ("2:4", "0.5", "0.7"),
    ),
    (
        {"stages": [{"kind": "prune-weights", "pattern": "2:4", "scope": "global"}]},
        ("scope must be layer",),
    ),
    (
        {"stages": [{"kind": "prune-weights", "method": "sparsegpt", "scope": "global"}]},
        ("sparsegpt", "scope must be layer"),
    ),
    (
        {"stages": [{"kind": "prune-weights", "method": "movement"}]},
        ("movement", "retrain_epochs must be above 0"),
    ),
    (
        {"stages": [{"kind": "prune-structure", "target": "hidden", "allocation": "global"}]},
        ("allocation", "hidden", "leave allocation out"),
    ),
    ({"stages": [{"kind": "prune-structure", "distill_weight": 1.5}]}, ("distill_weight", "1.5")),
    (
        {"stages": [{"kind": "prune-weights", "method": "magnitud"}]},
        ("magnitud", 'did you mean "magnitude"?'),
    ),
    ({"stages": [{"kind": "prune-structure", "target": "head"}]}, ("target", "head", "heads")),
    ({"stages": [{"kind": "prune-structure", "ratio": 1}]}, ("ratio", "less than 1", "1")),
    (
        {"stages": [{"kind": "quantize", "scheme": "weight-only", "bits": "four"}]},
        ("bits", '"four"'),
    ),
    ({"stages": [{"kind": "quantize", "scheme": "weight-only", "bits": 9}]}, ("bits", "9")),
    ({"stages": [{"kind": "quantize", "bits": 4}]}, ("int8-dynamic", "4", "weight-only")),
    (
        {"stages": [{"kind": "quantize", "scheme": "weight-only", "group_size": 0}]},
        ("group_size", "0", "32"),
    ),
    (
        {"stages": [{"kind": "distill", "layers": 3, "teacher_layers": [0, 2]}]},
        ("teacher_layers", "2", "3"),
    ),
    ({"stages": [{"kind": "distill", "layers": 2, "teacher_layers": [4, 2]}]}, ("rise", "[4, 2]")),
    (
        {"stages": [{"kind": "quantize"}, {"kind": "prune-weights"}]},
        ("stage 2 (prune-weights)", "stage 1 (quantize)", "end"),
    ),
    ({"stages": [{"kind": "quantise"}]}, ("quantise", 'did you mean "quantize"?')),
    ({"stages": [{"sparsity": 0.5}]}, ("stage 1", "kind")),
    ({"stages": [{"kind": ["quantize"]}]}, ("stage 1", "kind")),
    ({"stages": ["quantize"]}, ("stage 1", '"quantize"')),
    ({"stages": "quantize"}, ("stages", '"quantize"')),
    ({"stage": []}, ('"stage"', 'did you mean "stages"?')),
    ({"version": 2}, ("version", "2")),
    ({"seed": -1}, ("seed", "-1")),
    ([1, 2], ("[1, 2]",)),
]


@pytest.mark.parametrize(
    ("content", "said"),
    WRONG,
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict | list) else "",
)
def test_what_is_wrong_is_one_sentence_with_the_value(content: Any, said: tuple[str, ...]) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(content)
    sentence = str(caught.value)
    assert sentence.startswith("In the recipe")
    assert "\n" not in sentence
    for part in said:
        assert part in sentence, sentence


def test_every_mistake_of_a_recipe_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        """
        sed: 3
        recover: {max_drop: -1, epoch: 2}
        stages:
          - {kind: distil, layers: 3}
          - {kind: quantize, bit: 8, bits: 4}
          - {kind: prune-weights, sparsity: 1.3, scop: global}
          - 7
        """
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "r.yaml")
    heading, *lines = str(caught.value).splitlines()
    assert heading == f'In recipe "{tmp_path / "r.yaml"}": 10 problems.'
    assert [line.partition(":")[0] for line in lines] == [
        "- recover",
        "- recover",
        '- there is no field "sed"; did you mean "seed"?',
        "- stage 1",
        "- stage 2 (quantize)",
        "- stage 2 (quantize)",
        "- stage 3 (prune-weights)",
        "- stage 3 (prune-weights)",
        "- stage 4",
        "- stage 3 (prune-weights) comes after stage 2 (quantize)",
    ]


@pytest.mark.parametrize(
    "kinds", [("reference", "quantize"), ("quantize", "reference"), ("reference", "reference")]
)
def test_a_reference_point_is_the_only_stage(kinds: tuple[str, str]) -> None:
    with pytest.raises(RecipeError, match="must be the only stage"):
        parse_recipe({"stages": [{"kind": kind} for kind in kinds]})
    alone = parse_recipe({"stages": [{"kind": "reference"}]})
    assert alone.is_reference
    assert not Recipe().is_reference


def test_a_wrong_scheme_says_nothing_about_its_other_fields() -> None:
    with pytest.raises(RecipeError, match="scheme should be") as caught:
        parse_recipe({"stages": [{"kind": "quantize", "scheme": "int4", "bits": 4}]})
    assert "\n" not in str(caught.value)


def test_a_missing_and_a_broken_file_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="There is no recipe file"):
        load_recipe(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("stages: [", encoding="utf-8")
    with pytest.raises(RecipeError, match="not valid YAML at line"):
        load_recipe(broken)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(binary)
    with pytest.raises(RecipeError, match="cannot be read"):
        load_recipe(tmp_path)


def test_an_empty_file_is_more_likely_a_mistake_than_the_baseline(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.touch()
    with pytest.raises(RecipeError, match=r'is empty; write "stages: \[\]" for the baseline'):
        load_recipe(path)
    path.write_text("stages: []")
    assert load_recipe(path) == Recipe()


@pytest.mark.parametrize("kind", STAGES)
def test_every_stage_works_on_its_defaults_and_is_frozen(kind: str) -> None:
    stage = STAGES[kind]()  # pyright: ignore[reportCallIssue]  every subclass sets its kind
    assert stage.kind == kind
    assert parse_recipe({"stages": [{"kind": kind}]}).stages == (stage,)
    assert parse_recipe({"stages": [stage.canonical()]}).stages == (stage,)
    assert stage.in_words()
    with pytest.raises(Exception, match="frozen"):
        stage.kind = "other"  # pyright: ignore[reportAttributeAccessIssue]
