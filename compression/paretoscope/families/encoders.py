"""The table of encoder families: classifiers that can be pruned structurally, distilled, assembled
as a graph, and whose size is known in advance.

A sequence classifier of any other family is traced (`graphs/trace.py`) and can be quantized and
pruned weight by weight. To add a family, append a row to `ENCODERS` with the fields that differ
from BERT's; docs/adding-a-family.md shows how. A family that needs another graph (relative
positions, norms before the residual branches) needs code in `graphs/encoder.py` as well.
"""

from __future__ import annotations

from paretoscope.errors import ModelError
from paretoscope.families.family import EncoderFamily

_ROBERTA_HEAD = ("classifier.dense", "classifier.out_proj")

ENCODERS: dict[str, EncoderFamily] = {
    row.model_type: row
    for row in (
        EncoderFamily(model_type="bert"),
        EncoderFamily(
            model_type="roberta",
            layers="roberta.encoder.layer",
            embeddings="roberta.embeddings",
            head=_ROBERTA_HEAD,
            positions_after_padding=True,
        ),
        EncoderFamily(
            model_type="xlm-roberta",
            layers="roberta.encoder.layer",
            embeddings="roberta.embeddings",
            head=_ROBERTA_HEAD,
            positions_after_padding=True,
        ),
        EncoderFamily(
            model_type="camembert",
            layers="roberta.encoder.layer",
            embeddings="roberta.embeddings",
            head=_ROBERTA_HEAD,
            positions_after_padding=True,
        ),
        EncoderFamily(
            model_type="electra",
            layers="electra.encoder.layer",
            embeddings="electra.embeddings",
            embedding_projection="electra.embeddings_project",
            head=_ROBERTA_HEAD,
            head_activation="Gelu",
        ),
        EncoderFamily(
            model_type="distilbert",
            layers="distilbert.transformer.layer",
            embeddings="distilbert.embeddings",
            head=("pre_classifier", "classifier"),
            query="attention.q_lin",
            key="attention.k_lin",
            value="attention.v_lin",
            output="attention.out_lin",
            attention_norm="sa_layer_norm",
            ffn_in="ffn.lin1",
            ffn_out="ffn.lin2",
            ffn_norm="output_layer_norm",
            activation="activation",
            head_activation="Relu",
        ),
    )
}
"""By `model_type`."""

_OFFSET_POSITIONS = (
    "data2vec-text",
    "esm",
    "ibert",
    "layoutlmv3",
    "lilt",
    "longformer",
    "luke",
    "markuplm",
    "mpnet",
    "roberta-prelayernorm",
    "xlm-roberta-xl",
    "xmod",
)
"""Families without a row that number positions from padding index + 1."""


def encoder_family(model_type: str) -> EncoderFamily:
    """The row of a family; raises `ModelError` if there is none.

    >>> encoder_family("distilbert").query
    'attention.q_lin'
    """
    if model_type not in ENCODERS:
        raise ModelError(
            f'Structural pruning and distillation do not support the model family "{model_type}",'
            f" only {', '.join(ENCODERS)}; prune single weights or quantize instead."
        )
    return ENCODERS[model_type]


def positions_after_padding(model_type: str) -> bool:
    """Whether an encoder family, with or without a row, numbers positions from padding index + 1.

    >>> positions_after_padding("camembert"), positions_after_padding("bert")
    (True, False)
    """
    row = ENCODERS.get(model_type)
    return model_type in _OFFSET_POSITIONS if row is None else row.positions_after_padding
