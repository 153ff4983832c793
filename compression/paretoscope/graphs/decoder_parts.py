"""What every part of a decoder's graph uses: the builder, linear modules and norms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedConfig, PreTrainedModel

from paretoscope.graphs.graph import Graph
from paretoscope.models.decoder.anatomy import DecoderAnatomy
from paretoscope.models.modules.access import bias_of, parameter, weight_of


@dataclass(frozen=True)
class Builder:
    """A graph under construction and the model that it is built from."""

    graph: Graph
    model: PreTrainedModel
    parts: DecoderAnatomy

    @property
    def config(self) -> PreTrainedConfig:
        return self.model.config

    def linear(self, name: str, x: str, modules: tuple[str, ...]) -> str:
        """x times the concatenated transposes of torch's weights [out, in], plus biases."""
        weights = [weight_of(self.model, module) for module in modules]
        matrix = self.graph.constant(name, np.concatenate(weights).T)
        product = self.graph.node("MatMul", [x, matrix], f"{name}.product")
        biases = [bias_of(self.model, module) for module in modules]
        if all(bias is None for bias in biases):
            return product
        filled = [
            np.zeros(len(weight), dtype=np.float32) if bias is None else bias
            for bias, weight in zip(biases, weights, strict=True)
        ]
        bias = self.graph.constant(f"{name}.bias", np.concatenate(filled))
        return self.graph.node("Add", [product, bias], f"{name}.shifted")

    def norm(self, name: str, x: str, module: str) -> str:
        """LayerNorm or RMSNorm over the last axis of x, by the family."""
        graph, family = self.graph, self.parts.family
        found = self.model.get_submodule(module)
        epsilon = float(getattr(found, "eps", None) or getattr(found, "variance_epsilon", 0.0))
        weight = parameter(self.model, f"{module}.weight") + np.float32(family.norm_offset)
        inputs = [x, graph.constant(f"{name}.norm.weight", weight)]
        op = "SimplifiedLayerNormalization"
        if family.layer_norm:
            op = "LayerNormalization"
            bias = parameter(self.model, f"{module}.bias")
            inputs.append(graph.constant(f"{name}.norm.bias", bias))
        return graph.node(op, inputs, f"{name}.normed", axis=-1, epsilon=epsilon)

    def head_norm(self, x: str, module: str, size: int) -> str:
        """The norm of each head of x [batch, sequence, heads * size]."""
        graph = self.graph
        shape = graph.constant("heads.apart", np.array([0, 0, -1, size]))
        separate = graph.node("Reshape", [x, shape], f"{x}.heads")
        normed = self.norm(x, separate, module)
        shape = graph.constant("heads.together", np.array([0, 0, -1]))
        return graph.node("Reshape", [normed, shape], f"{x}.together")
