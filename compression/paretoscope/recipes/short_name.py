"""Short names of recipes, for headings, legends, tables and plots.

`Recipe.in_words` describes a recipe completely; a short name has at most 28 characters and leaves
out every setting that is not needed to tell the models of one list apart.

    >>> from paretoscope.recipes.stages import Distill, PruneStructure, Quantize
    >>> short_name(Recipe(stages=(Distill(layers=3), Quantize())))
    '3-layer student · int8'
    >>> stages = [Quantize(scheme="weight-only", bits=4, group_size=size) for size in (32, 64)]
    >>> short_names([Recipe(stages=(stage,)) for stage in stages])
    ['int4', 'int4 · g64']
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from paretoscope.recipes.recipe import NAME_LENGTH, Recipe
from paretoscope.recipes.stages import (
    Distill,
    PruneStructure,
    PruneWeights,
    Quantize,
    Reference,
    Stage,
)
from paretoscope.recipes.stages.methods import ROUNDINGS, WEIGHT_SCORES
from paretoscope.recipes.stages.reference import LABELS
from paretoscope.recipes.stages.stage import epochs_in_words

BASELINE = "Baseline"
"""Short name of the recipe without stages."""
TARGETS = {
    "heads": "heads",
    "ffn": "FFN",
    "layers": "layers",
    "hidden": "hidden",
    "vocabulary": "vocab",
}
DROPPED_FIRST: tuple[type[Stage], ...] = (
    PruneWeights,
    PruneStructure,
    Quantize,
    Distill,
    Reference,
)
"""Stages by importance, the least important first: a long chain loses these from its name."""
SEPARATOR = " · "
Key = tuple[str, int]
"""A setting of a recipe: the name of a field and the position of its stage (-1: the recipe)."""


def _share(share: float) -> str:
    """
    >>> _share(0.5), _share(1 / 3)
    ('50 %', '33.3 %')
    """
    return f"{share * 100:.3g} %"


def _epochs(epochs: float) -> str:
    return epochs_in_words(float(f"{epochs:.3g}")).removeprefix(" + ")


DETAILS: dict[str, Callable[[Any], str]] = {
    "rounding": lambda name: ROUNDINGS[name].label if name in ROUNDINGS else name,
    "group_size": lambda size: f"g{size}",
    "embedding_bits": lambda bits: f"embedding {bits}",
    "ffn_ratio": lambda share: f"FFN x{1 - share:.2g}",
    "head_ratio": lambda share: f"heads x{1 - share:.2g}",
    "epochs": lambda epochs: _epochs(epochs) or "untrained",
    "soft_weight": lambda weight: f"teacher {weight:.2g}" if weight else "no teacher",
    "retrain_epochs": _epochs,
    "train_epochs": lambda epochs: f"QAT {_epochs(epochs)}",
    "distill_weight": lambda weight: f"teacher {weight:.2g}",
    "hidden_weight": lambda weight: f"hidden {weight:.3g}",
    "attention_weight": lambda weight: f"attention {weight:.3g}",
    "scope": str,
    "allocation": str,
    "criterion": str,
    "calibration": str,
    "smooth": lambda share: f"smooth {share:.2g}",
    "zero_point": lambda kind: f"{kind} zeros",
    "head_bits": lambda bits: f"head {bits}",
    "parts": lambda parts: ", ".join(f"{name} {bits}" for name, bits in parts),
    "cache_bits": lambda bits: f"KV {bits}",
    "frequent_words": lambda count: f"{count:,} at 8",
    "steps": lambda count: f"{count} steps",
    "augment": lambda count: f"{count}x augmented",
    "unlabelled": lambda _: "unlabelled",
    "teacher_layers": lambda layers: f"from {'-'.join(map(str, layers))}",
    "calibration_examples": lambda count: f"{count} examples",
    "temperature": lambda value: f"T {value:.3g}",
    "learning_rate": lambda rate: f"lr {rate:.2g}",
    "recover": lambda _: "recover",
    "seed": lambda seed: f"seed {seed}",
}
"""How a setting that is not the default is written, the most telling setting first."""
ABBREVIATED = {" epochs": " ep", " epoch": " ep", "embedding ": "emb ", " examples": " ex"}
"""Shorter forms of the above, where the long ones do not fit."""


def short_name(recipe: Recipe) -> str:
    """The recipe's own name, else its most important settings.

    >>> short_name(Recipe()), short_name(Recipe(stages=(PruneWeights(sparsity=0.6),)))
    ('Baseline', '60 % sparse')
    >>> tiny = (Distill(layers=3), PruneStructure(), Quantize(scheme="weight-only", bits=4))
    >>> short_name(Recipe(stages=tiny)), short_name(Recipe(stages=tiny, name="Tiny student"))
    ('3-layer · FFN −50 % · int4', 'Tiny student')
    """
    return _written(recipe, ())


def short_names(recipes: Sequence[Recipe]) -> list[str]:
    """A short name for each recipe; recipes that differ get different names, in whatever order.

    The most telling differing setting is added first, and part of the id when no setting fits.

    >>> short_names([Recipe(), Recipe(seed=1), Recipe()])
    ['Baseline', 'Baseline · seed 1', 'Baseline']
    """
    distinct = {(recipe.id, recipe.name): recipe for recipe in recipes}
    named: dict[tuple[str, str | None], str] = {}
    for group in _by_text(list(distinct.values()), ()).values():
        named.update(((recipe.id, recipe.name), text) for recipe, text in _told_apart(group, ()))
    digits = dict.fromkeys(named, 0)
    while shared := _shared(named, digits):
        for key in shared:
            digits[key] = max(3, digits[key] + 1)
            suffix = f" #{key[0][: digits[key]]}"
            named[key] = _written(distinct[key], (), NAME_LENGTH - len(suffix)) + suffix
    return [named[recipe.id, recipe.name] for recipe in recipes]


def apart(named: Sequence[tuple[str, str]]) -> list[str]:
    """The names of many recipes, given as (id, short name): shared ones end in part of the id.

    Much faster than `short_names`, which compares the settings of recipes.

    >>> apart([("a1b2c3", "int4"), ("a1b2d4", "int8"), ("a1bcd5", "int4"), ("a1b2c3", "int4")])
    ['int4 #a1b2', 'int8', 'int4 #a1bc', 'int4 #a1b2']
    """
    found = dict(named)
    base, digits = dict(found), dict.fromkeys(found, 0)
    while shared := _shared(
        {(id_, None): text for id_, text in found.items()},
        {(id_, None): count for id_, count in digits.items()},
    ):
        for id_, _ in shared:
            digits[id_] = max(4, digits[id_] + 1)
            suffix = f" #{id_[: digits[id_]]}"
            room = NAME_LENGTH - len(suffix)
            text = base[id_] if len(base[id_]) <= room else f"{base[id_][: room - 1].rstrip()}…"
            found[id_] = text + suffix
    return [found[id_] for id_, _ in named]


def _shared(
    named: dict[tuple[str, str | None], str], digits: dict[tuple[str, str | None], int]
) -> list[tuple[str, str | None]]:
    """The recipes that have the name of another one and do not show their whole id yet."""
    first: dict[str, str] = {}
    shared = {text for (id_, _), text in named.items() if first.setdefault(text, id_) != id_}
    return [key for key, text in named.items() if text in shared and digits[key] < len(key[0])]


def _told_apart(group: Sequence[Recipe], chosen: tuple[Key, ...]) -> Iterator[tuple[Recipe, str]]:
    """The recipes of a group with equal names, each with the settings in which it differs."""
    if len(group) > 1:
        for key in _differing(group):
            if key in chosen:
                continue
            by_text = _by_text(group, (*chosen, key))
            if len(by_text) > 1:
                for members in by_text.values():
                    yield from _told_apart(members, (*chosen, key))
                return
    yield from ((recipe, _written(recipe, chosen)) for recipe in group)


def _by_text(recipes: Sequence[Recipe], chosen: tuple[Key, ...]) -> dict[str, list[Recipe]]:
    found: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        found.setdefault(_written(recipe, chosen), []).append(recipe)
    return found


def _differing(group: Sequence[Recipe]) -> list[Key]:
    """The settings that are not the same in all recipes, the most telling first."""
    texts = [_settings(recipe) for recipe in group]
    keys = {key for each in texts for key in each}
    order = {name: place for place, name in enumerate(["", *DETAILS])}
    return sorted(
        (key for key in keys if len({each.get(key) for each in texts}) > 1),
        key=lambda key: (order[key[0]], key[1]),
    )


@lru_cache(maxsize=4096)
def _settings(recipe: Recipe) -> dict[Key, str]:
    """The stages in short (an empty field name) and every setting that is not the default."""
    found: dict[Key, str] = {("", at): _forms(each)[-1] for at, each in enumerate(recipe.stages)}
    for at, owner in ((-1, recipe), *enumerate(recipe.stages)):
        for name, field in type(owner).model_fields.items():
            value = getattr(owner, name)
            if name == "recover" and not recipe.stages:  # no part of a baseline's id
                continue
            if name in DETAILS and value != field.default:
                found[name, at] = DETAILS[name](value)
    return found


def _forms(stage: Stage) -> tuple[str, ...]:
    """A stage in a few words, the longest form first.

    >>> _forms(Distill(layers=3)), _forms(PruneStructure(target="heads", ratio=0.25))
    (('3-layer student', '3-layer'), ('heads −25 %', 'heads −25%'))
    >>> _forms(PruneWeights(pattern="2:4"))[0], _forms(PruneWeights(method="wanda"))[0]
    ('2:4 sparse', 'Wanda 50 %')
    """
    if isinstance(stage, Distill):
        return f"{stage.layers}-layer student", f"{stage.layers}-layer"
    if isinstance(stage, PruneStructure):
        words = f"{TARGETS[stage.target]} −{_share(stage.ratio)}"
        return words, words.replace(" %", "%")
    if isinstance(stage, PruneWeights):
        share = stage.pattern if stage.n_of_m else _share(stage.target_sparsity)
        plain = stage.method == "magnitude"
        words = f"{share} sparse" if plain else f"{WEIGHT_SCORES[stage.method].label} {share}"
        return words, words.replace(" %", "%")
    if isinstance(stage, Reference):
        return (LABELS[stage.features],)
    assert isinstance(stage, Quantize)
    words = _bits(stage)
    return (f"{words} QAT", words) if stage.train_epochs else (words,)


def stage_words(stage: Stage) -> str:
    """One stage in a few words, with the bits of an embedding that differ from the usual 8.

    >>> stage_words(Distill(layers=3)), stage_words(Quantize(embedding_bits=4))
    ('3-layer student', 'int8, embedding 4-bit')
    """
    words = _forms(stage)[0]
    if isinstance(stage, Quantize) and stage.embedding_bits != 8 and stage.max_mb is None:
        words += f", embedding {stage.embedding_bits}-bit"
    return words


def _bits(stage: Quantize) -> str:
    if stage.scheme != "weight-only":
        return stage.scheme.removesuffix("-dynamic").replace("-", " ")
    if stage.max_mb is not None:
        return f"≤ {stage.max_mb:.4g} MB"
    if stage.parts:
        widths = {int(stage.bits), *(bits for _, bits in stage.parts)}
        return f"{'/'.join(map(str, sorted(widths, reverse=True)))}-bit"
    if stage.bits == 8:
        return "int8 weights"
    return f"int{stage.bits:g}" if stage.bits in (2, 4) else f"{stage.bits:.3g}-bit"


@lru_cache(maxsize=16384)
def _written(recipe: Recipe, chosen: tuple[Key, ...], length: int = NAME_LENGTH) -> str:
    """The recipe with the chosen settings, as far as they fit into `length` characters."""
    details: list[str] = []
    stages = {at for name, at in chosen if not name}
    settings = _settings(recipe)
    text = _fitting(recipe, stages, details, length) or _cut(recipe, length)
    for key in chosen:
        if key[0] and key in settings:
            longer = _fitting(recipe, stages, [*details, settings[key]], length)
            if longer:
                text, details = longer, [*details, settings[key]]
    return text


def _cut(recipe: Recipe, length: int) -> str:
    """The first characters of the name of a recipe."""
    return (recipe.name or short_name(recipe))[: length - 1].rstrip() + "…"


def _fitting(recipe: Recipe, stages: set[int], details: list[str], length: int) -> str:
    """The first of all ways to write these parts that fits; empty when none does."""
    return next((text for text in _ways(recipe, stages, details) if len(text) <= length), "")


def _ways(recipe: Recipe, stages: set[int], details: list[str]) -> Iterator[str]:
    """Ways to write a name, the longest first: full forms, short forms, then fewer stages.

    A stage in `stages` is not left out.
    """
    if recipe.name or not recipe.stages:
        yield SEPARATOR.join([recipe.name or BASELINE, *details])
        return
    forms = [_forms(stage) for stage in recipe.stages]
    yield SEPARATOR.join([*(form[0] for form in forms), *details])
    short_students = [
        form[-1 if isinstance(stage, Distill) else 0]
        for stage, form in zip(recipe.stages, forms, strict=True)
    ]
    yield SEPARATOR.join([*short_students, *details])
    short = [_abbreviated(detail) for detail in details]
    kept = list(range(len(forms)))
    for at in [-1, *_least_important(recipe, stages)]:
        kept = [place for place in kept if place != at]
        left_out = f" +{len(forms) - len(kept)}" if len(kept) < len(forms) else ""
        yield SEPARATOR.join([*(forms[place][-1] for place in kept), *short]) + left_out


def _abbreviated(detail: str) -> str:
    """
    >>> _abbreviated("QAT 2 epochs"), _abbreviated("embedding 4")
    ('QAT 2 ep', 'emb 4')
    """
    for long, short in ABBREVIATED.items():
        detail = detail.replace(long, short)
    return detail


def _least_important(recipe: Recipe, stages: set[int]) -> list[int]:
    """Positions of the stages that a name can do without; never all of them."""
    order = sorted(
        range(len(recipe.stages)),
        key=lambda at: (DROPPED_FIRST.index(type(recipe.stages[at])), -at),
    )
    free = [at for at in order if at not in stages]
    return free if len(free) < len(order) else free[:-1]
