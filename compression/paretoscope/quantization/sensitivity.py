"""The sensitivity of each matrix at each width: the change of the outputs when only it is rounded.

It is KL(fp32 || rounded) on calibration texts, in nats, of outputs softened by a temperature as in
distillation: the plain probabilities of a confident classifier change only for a few borderline
texts, which makes a noisy measure. The graph is split at every matrix, and only the part after it
runs again. `allocation.py` chooses the widths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import numpy as np
import onnx
from onnx import helper

from paretoscope.graphs.graph import entries, initializers, with_all_logits, with_outputs
from paretoscope.graphs.sessions import Workbench, workbench
from paretoscope.inference.graph_io import feeds

TEXTS_AT_ONCE = 32
OUTPUTS_AT_ONCE = 128
"""Logits [outputs, vocabulary] of a language model are large."""
TEMPERATURE = 2.0
Values = dict[str, np.ndarray]
"""Arrays by their name in the graph."""
Compared = TypeVar("Compared")


def sensitivities(
    model: onnx.ModelProto,
    names: Sequence[str],
    variants: Callable[[str], Sequence[np.ndarray]],
    texts: Sequence[np.ndarray],
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """KL [names, variants] in nats when one initializer is replaced by one of its variants.

    `names` are initializers; `variants(name)` are arrays of its shape. Texts are token ids. A
    decoder has an output for every token, and all of them count.
    """

    def replacements(name: str) -> Iterator[Values]:
        return ({name: variant} for variant in variants(name))

    return np.array(changes(model, names, replacements, texts, progress, divergence))


def changes(
    model: onnx.ModelProto,
    names: Sequence[str],
    replacements: Callable[[str], Iterable[Values]],
    texts: Sequence[np.ndarray],
    progress: Callable[[int, int], None],
    compare: Callable[[Outputs, np.ndarray], Compared],
) -> list[list[Compared]]:
    """`compare(outputs, changed logits)` [names][replacements] for one replacement at a time.

    A replacement is new initializers by name; the node of the initializer `name` is the first one
    that reads any of them.
    """
    with workbench(model) as bench:
        graph = with_outputs(with_all_logits(bench.graph), ["logits"])
        return _measured(
            replace(bench, graph=graph), names, replacements, texts, (progress, compare)
        )


def _measured(
    bench: Workbench,
    names: Sequence[str],
    replacements: Callable[[str], Iterable[Values]],
    texts: Sequence[np.ndarray],
    calls: tuple[Callable[[int, int], None], Callable[[Outputs, np.ndarray], Compared]],
) -> list[list[Compared]]:
    progress, compare = calls
    places = {
        name: next(at for at, node in enumerate(bench.graph.graph.node) if name in node.input)
        for name in names
    }
    states: list[Values] = [feeds(entries(bench.graph), ids) for ids in batches(texts)]
    reference = softened(_logits(_part(bench, 0, None, states[0]), states))
    found: dict[str, list[Compared]] = {}
    done = 0
    for step, name in enumerate(sorted(names, key=places.__getitem__), start=1):
        states = _advanced(bench, done, places[name], states)
        done = places[name]
        rest: Any = None
        found[name] = []
        for swapped in replacements(name):
            rest = rest or _part(bench, done, None, states[0] | swapped)
            found[name].append(compare(reference, _logits(rest, states, swapped)))
        progress(step, len(names))
    return [found[name] for name in names]


class Outputs(NamedTuple):
    """A model's outputs at `TEMPERATURE`.

    Logits and probabilities are float32 [outputs, classes], their log-sums float64 [outputs].
    """

    logits: np.ndarray
    probabilities: np.ndarray
    log_sums: np.ndarray


def softened(logits: np.ndarray) -> Outputs:
    """The reference outputs of logits [outputs, classes], with their softmax."""
    logits = np.asarray(logits, dtype=np.float32)
    probabilities, log_sums = np.empty_like(logits), np.empty(len(logits))
    for part in _parts(logits):
        raised, log_sums[part] = _raised(logits[part])
        probabilities[part] = raised / raised.sum(axis=-1, keepdims=True)
    return Outputs(logits, probabilities, log_sums)


def divergence(reference: Outputs, logits: np.ndarray) -> float:
    """Mean of KL(softmax(reference / T) || softmax(logits / T)) over outputs, in nats.

    `logits` is [outputs, classes], T is `TEMPERATURE`. Logits in float32 are subtracted before they
    are weighted, which is precise when the two are close.

    >>> half = softened(np.array([[0.0, 0.0]]))  # probabilities (1/2, 1/2), then (1/4, 3/4)
    >>> round(divergence(half, np.array([[0.0, 2 * np.log(3.0)]])), 4)
    0.1438
    """
    return max(0.0, float(divergences(reference, logits).mean()))


def divergences(reference: Outputs, logits: np.ndarray) -> np.ndarray:
    """`divergence` of every output, float64 [outputs]; may be slightly negative by rounding."""
    logits = np.asarray(logits, dtype=np.float32)
    each: list[np.ndarray] = []
    for part in _parts(logits):
        difference = (reference.probabilities[part] * (reference.logits[part] - logits[part])).sum(
            axis=-1, dtype=np.float64
        )
        each.append(difference / TEMPERATURE - reference.log_sums[part] + _raised(logits[part])[1])
    return np.concatenate(each)


def _parts(logits: np.ndarray) -> list[slice]:
    return [
        slice(start, start + OUTPUTS_AT_ONCE) for start in range(0, len(logits), OUTPUTS_AT_ONCE)
    ]


def _raised(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """exp((logits - largest) / T), and log sum exp(logits / T), float64 [outputs]."""
    largest = logits.max(axis=-1, keepdims=True)
    raised = np.exp((logits - largest) / np.float32(TEMPERATURE))
    return (
        raised,
        np.log(raised.sum(axis=-1, dtype=np.float64))
        + largest[:, 0].astype(np.float64) / TEMPERATURE,
    )


def batches(texts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Token ids [texts, length] of equal length, so that nothing is padded.

    >>> [batch.shape for batch in batches([np.zeros(3), np.zeros(2), np.zeros(3)])]
    [(1, 2), (2, 3)]
    """
    by_length = [list(group) for _, group in groupby(sorted(texts, key=len), key=len)]
    return [
        np.stack(group[start : start + TEXTS_AT_ONCE])
        for group in by_length
        for start in range(0, len(group), TEXTS_AT_ONCE)
    ]


def _advanced(bench: Workbench, start: int, stop: int, states: list[Values]) -> list[Values]:
    """The values of every batch that nodes from `stop` on read, from those at node `start`."""
    if start == stop:
        return states
    part = _part(bench, start, stop, states[0])
    made: list[str] = [output.name for output in part.get_outputs()]
    needed = {value for node in list(bench.graph.graph.node)[stop:] for value in node.input}
    after = [{**state, **dict(zip(made, _run(part, state), strict=True))} for state in states]
    return [{name: value for name, value in state.items() if name in needed} for state in after]


def _logits(
    part: Any,
    states: list[Values],
    swapped: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """float32 [outputs, classes]: one output for each text, or for each token."""
    outputs = [_run(part, {**state, **(swapped or {})})[0] for state in states]
    return np.concatenate([output.reshape(-1, output.shape[-1]) for output in outputs])


def _run(part: Any, values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    inputs = {entry.name: values[entry.name] for entry in part.get_inputs()}
    return [np.asarray(result) for result in part.run(None, inputs)]


def _part(bench: Workbench, start: int, stop: int | None, values: Mapping[str, np.ndarray]) -> Any:
    """A session of the nodes from `start` to `stop`, or to the logits.

    Its inputs are the values that these nodes read of `values`, which replace initializers of the
    same name; its outputs are the values that later nodes read.
    """
    model = bench.graph
    nodes = list(model.graph.node)
    part = nodes[start:stop]
    made = {value for node in part for value in node.output}
    needed = {value for node in part for value in node.input}
    later = [] if stop is None else [value for node in nodes[stop:] for value in node.input]
    outputs = (
        sorted(made.intersection(later))
        if stop is not None
        else [output.name for output in model.graph.output]
    )
    graph = helper.make_graph(
        part,
        "part",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(values[name].dtype), None
            )
            for name in sorted(needed & set(values))
        ],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [
            tensor
            for name, tensor in initializers(model).items()
            if name in needed and name not in values
        ],
    )
    whole = helper.make_model(
        graph, opset_imports=list(model.opset_import), ir_version=model.ir_version
    )
    return bench.session(whole)
