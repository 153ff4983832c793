"""What each matrix costs at each width, measured: how far the model's answers move when only that
matrix is rounded.

The measure is KL(fp32 || rounded) on calibration texts, in nats, of outputs softened by a
temperature as in distillation: the plain probabilities of a confident classifier move for the few
texts at its border only, which makes a noisy measure. Layers before a matrix give what they gave,
so the graph is cut at every matrix and only what comes after it runs again. Which width a matrix
takes is `allocation.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from paretoscope.graphs.graph import entries, initializers, with_all_logits, with_outputs
from paretoscope.graphs.sessions import Workbench, workbench
from paretoscope.inference.graph_io import feeds

TEXTS_AT_ONCE = 32
ANSWERS_AT_ONCE = 128
"""Of a vocabulary's size they are large."""
TEMPERATURE = 2.0
Values = dict[str, np.ndarray]
"""Arrays by their name in the graph."""


def sensitivities(
    model: onnx.ModelProto,
    names: Sequence[str],
    variants: Callable[[str], Sequence[np.ndarray]],
    texts: Sequence[np.ndarray],
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """KL [names, variants] in nats when one initializer takes one of its variants and all else
    stays as it is.

    `names` are initializers; `variants(name)` gives arrays of its shape. Texts are token ids. A
    decoder answers after every token, and what counts are all of its answers.
    """
    with workbench(model) as bench:
        return _measured(
            replace(bench, graph=with_outputs(with_all_logits(bench.graph), ["logits"])),
            names,
            variants,
            texts,
            progress,
        )


def _measured(
    bench: Workbench,
    names: Sequence[str],
    variants: Callable[[str], Sequence[np.ndarray]],
    texts: Sequence[np.ndarray],
    progress: Callable[[int, int], None],
) -> np.ndarray:
    places = {
        name: next(at for at, node in enumerate(bench.graph.graph.node) if name in node.input)
        for name in names
    }
    states: list[Values] = [feeds(entries(bench.graph), ids) for ids in batches(texts)]
    reference = softened(_logits(_part(bench, 0, None, states[0]), states))
    found: dict[str, list[float]] = {}
    done = 0
    for step, name in enumerate(sorted(names, key=places.__getitem__), start=1):
        states = _advanced(bench, done, places[name], states)
        done = places[name]
        choices = variants(name)
        rest = _part(bench, done, None, states[0] | {name: choices[0]})
        found[name] = [
            divergence(reference, _logits(rest, states, {name: variant})) for variant in choices
        ]
        progress(step, len(names))
    return np.array([found[name] for name in names])


class Answers(NamedTuple):
    """A model's answers at `TEMPERATURE`: logits and probabilities float32 [answers, classes],
    their log-sums float64 [answers].
    """

    logits: np.ndarray
    probabilities: np.ndarray
    log_sums: np.ndarray


def softened(logits: np.ndarray) -> Answers:
    """The answers that others are held against, [answers, classes]; their softmax is worked out
    once.
    """
    logits = np.asarray(logits, dtype=np.float32)
    probabilities, log_sums = np.empty_like(logits), np.empty(len(logits))
    for part in _parts(logits):
        raised, log_sums[part] = _raised(logits[part])
        probabilities[part] = raised / raised.sum(axis=-1, keepdims=True)
    return Answers(logits, probabilities, log_sums)


def divergence(reference: Answers, logits: np.ndarray) -> float:
    """Mean of KL(softmax(reference / T) || softmax(logits / T)) over answers, in nats; `logits`
    [answers, classes], T is `TEMPERATURE`.

    Logits of float32 are subtracted before they are weighted, so that little is lost where the two
    are close.

    >>> round(divergence(softened(np.array([[0.0, 0.0]])), np.array([[0.0, 2 * np.log(3.0)]])), 4)  # (1/2, 1/2) and (1/4, 3/4)
    0.1438
    """
    logits = np.asarray(logits, dtype=np.float32)
    each: list[np.ndarray] = []
    for part in _parts(logits):
        apart = (reference.probabilities[part] * (reference.logits[part] - logits[part])).sum(
            axis=-1, dtype=np.float64
        )
        each.append(apart / TEMPERATURE - reference.log_sums[part] + _raised(logits[part])[1])
    return max(0.0, float(np.concatenate(each).mean()))


def _parts(logits: np.ndarray) -> list[slice]:
    return [
        slice(start, start + ANSWERS_AT_ONCE) for start in range(0, len(logits), ANSWERS_AT_ONCE)
    ]


def _raised(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """exp((logits - largest) / T), and the logarithm of the sum of exp(logits / T), float64
    [answers].
    """
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
    alike = [list(group) for _, group in groupby(sorted(texts, key=len), key=len)]
    return [
        np.stack(group[start : start + TEXTS_AT_ONCE])
        for group in alike
        for start in range(0, len(group), TEXTS_AT_ONCE)
    ]


def _advanced(bench: Workbench, start: int, stop: int, states: list[Values]) -> list[Values]:
    """The values that are needed from node `stop` on, of every batch, from those that are needed
    from node `start` on.
    """
    if start == stop:
        return states
    part = _part(bench, start, stop, states[0])
    made = [output.name for output in part.get_outputs()]
    needed = {value for node in list(bench.graph.graph.node)[stop:] for value in node.input}
    after = [{**state, **dict(zip(made, _run(part, state), strict=True))} for state in states]
    return [{name: value for name, value in state.items() if name in needed} for state in after]


def _logits(
    part: onnxruntime.InferenceSession,
    states: list[Values],
    swapped: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """float32 [answers, classes]: one answer a text, or one a token."""
    answers = [_run(part, {**state, **(swapped or {})})[0] for state in states]
    return np.concatenate([answer.reshape(-1, answer.shape[-1]) for answer in answers])


def _run(part: onnxruntime.InferenceSession, values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return [
        np.asarray(result)
        for result in part.run(
            None, {entry.name: values[entry.name] for entry in part.get_inputs()}
        )
    ]


def _part(
    bench: Workbench, start: int, stop: int | None, values: Mapping[str, np.ndarray]
) -> onnxruntime.InferenceSession:
    """A session of the nodes from `start` to `stop`, or to the logits.

    Its inputs are what these nodes take of `values`, which go before initializers of the same name;
    its outputs are what later nodes take.
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
