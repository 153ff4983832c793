"""The fields of a model family: `EncoderFamily` for classifiers, `DecoderFamily` for language
models.

The rows are in `encoders.py` and `decoders.py`. Everything that differs between two families of the
same architecture is a field here, so no other module compares names of families.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

ArchitectureName = Literal["classifier", "decoder"]
"""Architecture of a model and of the tasks it is evaluated on: classifiers need labelled texts,
decoders need prose.
"""


@dataclass(frozen=True, kw_only=True)
class EncoderFamily:
    """A family of encoder classifiers with absolute positions and layer norms after the residual
    connections, as in BERT; the defaults are BERT's.
    """

    model_type: str
    """`model_type` in `config.json`."""
    layers: str = "bert.encoder.layer"
    """Module path of the ModuleList of layers."""
    embeddings: str = "bert.embeddings"
    """Module path of the embeddings."""
    head: tuple[str, ...] = ("bert.pooler.dense", "classifier")
    """Module paths of the Linear modules after the encoder; the last one computes the logits."""
    embedding_projection: str | None = None
    """Module path of the Linear from the embedding width to the hidden width, present only in
    models where the two differ.
    """

    word_embeddings: str = "word_embeddings"
    """Name within the embeddings, as are the next three."""
    position_embeddings: str = "position_embeddings"
    token_type_embeddings: str = "token_type_embeddings"
    """The graph always uses type 0. A model may have no such table."""
    embedding_norm: str = "LayerNorm"

    query: str = "attention.self.query"
    """Name within a layer, as are the next seven."""
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    output: str = "attention.output.dense"
    attention_norm: str = "attention.output.LayerNorm"
    ffn_in: str = "intermediate.dense"
    ffn_out: str = "output.dense"
    ffn_norm: str = "output.LayerNorm"

    activation: str = "hidden_act"
    """Config field that names the feed-forward activation."""
    head_activation: Literal["Tanh", "Gelu", "Relu"] = "Tanh"
    """ONNX operator between the Linear modules of the head."""
    positions_after_padding: bool = False
    """Whether positions are numbered from padding index + 1 and padding tokens have the row of the
    padding index; the rows before are unused.
    """


@dataclass(frozen=True, kw_only=True)
class DecoderFamily:
    """A family of decoder language models with a norm before each residual branch; the defaults
    are Llama's.
    """

    model_type: str
    """`model_type` in `config.json`."""
    genai: str
    """`type` in onnxruntime-genai's `genai_config.json`."""
    gguf: str | None = None
    """`general.architecture` in a GGUF header; None if transformers cannot read it from GGUF."""

    layers: str = "model.layers"
    """Module path of the ModuleList of layers."""
    embeddings: str = "model.embed_tokens"
    """Module path of the token embedding."""
    positions: str | None = None
    """Module path of the learned position embedding; None for rotary positions."""
    final_norm: str = "model.norm"
    """Module path of the norm before the output head."""
    head: str = "lm_head"
    """Module path of the output head."""

    projections: tuple[str, ...] = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    """Query, key and value, or the one module in which they are stacked. Names within a layer, as
    are the next six.
    """
    output: str = "self_attn.o_proj"
    ffn_in: tuple[str, ...] = ("mlp.gate_proj", "mlp.up_proj")
    """Gate and up, the one module in which they are stacked, or the first feed-forward matrix of a
    family that is not gated.
    """
    ffn_out: str = "mlp.down_proj"
    attention_norm: str = "input_layernorm"
    ffn_norm: str | None = "post_attention_layernorm"
    """None if attention and feed-forward are parallel and share `attention_norm`."""
    head_norms: tuple[str, str] | None = None
    """Norms of each query head and each key head, applied before the rotation."""

    gated: bool = True
    """Whether the feed-forward multiplies an activated gate with a second projection."""
    activation: tuple[str, ...] = ("hidden_act",)
    """Config fields that may name the feed-forward activation; the first one that is set counts."""
    layer_norm: bool = False
    """LayerNorm with a bias instead of RMSNorm."""
    norm_offset: float = 0.0
    """Constant added to the stored scale of every norm."""
    scaled_embeddings: bool = False
    """Whether token embeddings are multiplied by the square root of the hidden size."""
    tied: bool = False
    """Whether the output head is the token embedding, if the config does not say."""
    rotary_share: float = 1.0
    """Share of each head that is rotated, if the config does not say."""
    transposed: bool = False
    """Whether weights are stored as [inputs, outputs] (Conv1D)."""
    head_attributes: tuple[str, str] | None = None
    """Attributes of the attention module for its number of heads and their total width; None if it
    reads head counts from its config.
    """

    @property
    def norms(self) -> int:
        """Norms of the hidden state in each layer."""
        return 1 if self.ffn_norm is None else 2

    def in_gguf(self) -> Self:
        """The row with the names that tensors have in a GGUF file, where weights are [outputs,
        inputs] in every family.
        """
        separate = ("attn_q", "attn_k", "attn_v")
        return replace(
            self,
            layers="blk",
            embeddings="token_embd",
            head="output",
            projections=separate if len(self.projections) > 1 else ("attn_qkv",),
            output="attn_output",
            ffn_in=("ffn_gate", "ffn_up") if len(self.ffn_in) > 1 else ("ffn_up",),
            ffn_out="ffn_down",
            transposed=False,
        )
