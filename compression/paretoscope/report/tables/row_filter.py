"""Filters on the table of models: `size < 20 and bits <= 4 and not noisy`.

A filter is an expression of comparisons joined by `and`, `or` and `not`, with parentheses. It is
parsed with Python's grammar and interpreted here; nothing in it is executed. A comparison with a
value that a model does not have is false.

    >>> parse("size < 20 and bits <= 4").text
    'size < 20 and bits <= 4'
    >>> parse("siz < 20")
    Traceback (most recent call last):
        ...
    paretoscope.errors.ParetoscopeError: Unknown field "siz" in the filter: did you mean "size"?
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from paretoscope.errors import ParetoscopeError, did_you_mean
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.report.tables.table import Row
from paretoscope.trials.metrics import METRICS, metric

MOST_CHARACTERS = 500
Value = float | str | bool | None


class Field(NamedTuple):
    """What can be compared: a number in `unit`, a text or a flag of a row."""

    about: str
    unit: str
    example: str
    read: Callable[[Row], Value]


def _metric(key: str) -> Callable[[Row], Value]:
    def read(row: Row) -> Value:
        found = row.point.value(key)
        # Rounded, so that a loss of one point is "-1" and not less by a rounding error.
        return None if found is None else round(metric(key).shown(found), 9)

    return read


def _of(kind: type, name: str, scale: float = 1.0) -> Callable[[Row], Value]:
    """A field of the first stage of a kind."""

    def read(row: Row) -> Value:
        stage = next((s for s in row.summary.recipe.stages if isinstance(s, kind)), None)
        found = getattr(stage, name, None)
        return None if found is None else float(found) * scale

    return read


def _bits(row: Row) -> Value:
    """Bits of a weight: 8 for int8, 32 without quantization."""
    found = next((s for s in row.summary.recipe.stages if isinstance(s, Quantize)), None)
    if found is None:
        return 32.0
    return float(found.bits) if found.scheme == "weight-only" else 8.0


def _pruned(target: str) -> Callable[[Row], Value]:
    def read(row: Row) -> Value:
        shares = [
            stage.ratio
            for stage in row.summary.recipe.stages
            if isinstance(stage, PruneStructure) and stage.target == target
        ]
        return 100 * sum(shares)

    return read


def _sparsity(row: Row) -> Value:
    found = [s for s in row.summary.recipe.stages if isinstance(s, PruneWeights)]
    return 100 * found[-1].target_sparsity if found else 0.0


def _stages(row: Row) -> Value:
    return float(len(row.summary.recipe.stages))


def _strategy(row: Row) -> Value:
    return row.family


def _name(row: Row) -> Value:
    return row.short_name


def _noisy(row: Row) -> Value:
    return row.noisy


_NAMES = {
    "accuracy": "quality",
    "change": "quality_change",
    "perplexity": "perplexity",
    "more_perplexity": "perplexity_change",
    "size": "size_bytes",
    "p50": "latency_p50_ms",
    "p90": "latency_p90_ms",
    "speedup": "speedup",
    "token_time": "tpot_ms",
    "first_token": "ttft_ms",
    "tokens_per_s": "tokens_per_s",
    "memory": "peak_memory_bytes",
    "load": "load_ms",
    "energy": "energy_j",
    "agreement": "agreement",
}
_EXAMPLES = {
    "accuracy": ">= 92",
    "change": ">= -1",
    "size": "< 20",
    "p50": "< 2",
    "speedup": ">= 2",
}

FIELDS: dict[str, Field] = {
    **{
        name: Field(
            METRICS[key].label, METRICS[key].unit, _EXAMPLES.get(name, "< 10"), _metric(key)
        )
        for name, key in _NAMES.items()
    },
    "bits": Field("Bits of a weight", "bits", "<= 4", _bits),
    "embedding_bits": Field(
        "Bits of the embedding", "bits", "<= 4", _of(Quantize, "embedding_bits")
    ),
    "sparsity": Field("Zeros among single weights", "%", ">= 50", _sparsity),
    "layers": Field("Layers of the student", "", "<= 3", _of(Distill, "layers")),
    "ffn": Field("Pruned FFN width", "%", ">= 25", _pruned("ffn")),
    "heads": Field("Pruned attention heads", "%", ">= 25", _pruned("heads")),
    "vocabulary": Field("Pruned vocabulary", "%", ">= 50", _pruned("vocabulary")),
    "stages": Field("Stages of the recipe", "", "<= 2", _stages),
    "strategy": Field("Strategy", "", '== "chain"', _strategy),
    "name": Field("Short name", "", '== "Baseline"', _name),
    "noisy": Field("Whether the session was noisy", "", "", _noisy),
}
"""Every field by the name that a filter uses."""

COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class RowFilter:
    """A parsed filter."""

    text: str
    tree: ast.expr

    def keeps(self, row: Row) -> bool:
        return bool(_value(self.tree, row))


def parse(text: str) -> RowFilter:
    """The filter in `text`; raises `ParetoscopeError` with the first mistake."""
    if len(text) > MOST_CHARACTERS:
        raise ParetoscopeError(
            f"The filter has {len(text)} characters; use at most {MOST_CHARACTERS}."
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = getattr(error, "offset", None)
        hint = " Compare with ==, not =." if "=" in text and "==" not in text else ""
        raise ParetoscopeError(
            f'The filter "{text[:80]}" cannot be read{f" at character {at}" if at else ""}; write'
            f" comparisons such as size < 20, joined by and, or, not.{hint}"
        ) from error
    _check(tree)
    return RowFilter(text, tree)


def filtered(rows: Sequence[Row], text: str) -> list[Row]:
    """The rows that a filter keeps; all of them for an empty one."""
    if not text.strip():
        return list(rows)
    found = parse(text)
    return [row for row in rows if found.keeps(row)]


def _check(node: ast.expr) -> None:
    """Raise `ParetoscopeError` for anything that is not part of the language."""
    match node:
        case ast.BoolOp(values=parts):
            for part in parts:
                _check(part)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            _check(inner)
        case ast.Compare(left=left, ops=ops, comparators=others):
            if any(type(op) not in COMPARISONS for op in ops):
                raise ParetoscopeError("A filter compares with <, <=, >, >=, == or !=.")
            kinds = [_kind(side) for side in (left, *others)]
            if len(set(kinds)) > 1:
                raise ParetoscopeError(
                    f'"{ast.unparse(node)}" compares a number with a text; put texts in quotes.'
                )
        case ast.Name(id=name) if name in FIELDS and name != "noisy":
            raise ParetoscopeError(
                f'Compare "{name}" with a value, for example: {name} {FIELDS[name].example}.'
            )
        case _:
            _kind(node)


def _kind(node: ast.expr) -> str:
    """ "number", "text" or "flag"."""
    match node:
        case ast.Name(id=name):
            if name not in FIELDS:
                raise ParetoscopeError(
                    f'Unknown field "{name}" in the filter: {did_you_mean(name, FIELDS)}'
                )
            return {"strategy": "text", "name": "text", "noisy": "flag"}.get(name, "number")
        case ast.Constant(value=bool()):
            return "flag"
        case ast.Constant(value=int() | float()):
            return "number"
        case ast.Constant(value=str()):
            return "text"
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float())):
            return "number"
        case _:
            raise ParetoscopeError(
                f'"{ast.unparse(node)}" is not part of the filter language; write comparisons such'
                " as size < 20."
            )


def _value(node: ast.expr, row: Row) -> Value:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, row) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, row) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return not _value(inner, row)
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [_value(side, row) for side in (left, *others)]
            pairs = zip(sides, sides[1:], ops, strict=False)
            return all(
                a is not None and b is not None and COMPARISONS[type(op)](a, b)
                for a, b, op in pairs
            )
        case ast.Name(id=name):
            return FIELDS[name].read(row)
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case _:
            return None


def completions(text: str) -> Iterator[str]:
    """Ways to go on with an unfinished filter: fields that begin like its last word.

    >>> list(completions("size < 20 and spa"))
    ['size < 20 and sparsity >= 50']
    """
    before, _, last = text.rpartition(" ")
    words = before.split()
    if words and words[-1] not in ("and", "or", "not"):
        if last == "":
            yield from (f"{text.rstrip()} {joint} " for joint in ("and", "or"))
        return
    for name, field in FIELDS.items():
        if name.startswith(last) and name != last:
            yield f"{before} {name} {field.example}".strip()
