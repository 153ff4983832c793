"""The table of decoder families: the language models that are supported.

To add a family, append a row to `DECODERS` with the fields that differ from Llama's;
docs/adding-a-family.md shows how. A family that computes something that no field describes
(experts, logit soft-capping, a key-value cache of another shape) needs code in `graphs/decoder.py`
as well.
`graphs/export.py` compares every exported graph with torch, so a wrong row is an error, not a wrong
result.
"""

from __future__ import annotations

from paretoscope.errors import ModelError
from paretoscope.families.family import DecoderFamily

DECODERS: dict[str, DecoderFamily] = {
    row.model_type: row
    for row in (
        DecoderFamily(model_type="llama", genai="llama", gguf="llama"),
        DecoderFamily(model_type="mistral", genai="mistral", gguf="mistral"),
        DecoderFamily(model_type="qwen2", genai="qwen2", gguf="qwen2"),
        DecoderFamily(
            model_type="qwen3",
            genai="qwen3",
            gguf="qwen3",
            head_norms=("self_attn.q_norm", "self_attn.k_norm"),
        ),
        DecoderFamily(
            model_type="gemma",
            genai="gemma",
            activation=("hidden_activation", "hidden_act"),
            norm_offset=1.0,
            scaled_embeddings=True,
            tied=True,
        ),
        DecoderFamily(
            model_type="phi3",
            genai="phi3",
            gguf="phi3",
            projections=("self_attn.qkv_proj",),
            ffn_in=("mlp.gate_up_proj",),
        ),
        DecoderFamily(
            model_type="phi",
            genai="phi",
            output="self_attn.dense",
            ffn_in=("mlp.fc1",),
            ffn_out="mlp.fc2",
            ffn_norm=None,
            final_norm="model.final_layernorm",
            gated=False,
            layer_norm=True,
            rotary_share=0.5,
        ),
        DecoderFamily(
            model_type="gpt2",
            genai="llama",  # genai's own gpt2 has one tensor for keys and values
            gguf="gpt2",
            layers="transformer.h",
            embeddings="transformer.wte",
            positions="transformer.wpe",
            final_norm="transformer.ln_f",
            projections=("attn.c_attn",),
            output="attn.c_proj",
            ffn_in=("mlp.c_fc",),
            ffn_out="mlp.c_proj",
            attention_norm="ln_1",
            ffn_norm="ln_2",
            gated=False,
            activation=("activation_function",),
            layer_norm=True,
            tied=True,
            transposed=True,
            head_attributes=("num_heads", "split_size"),
        ),
    )
}
"""By `model_type`."""


def decoder_family(model_type: str) -> DecoderFamily:
    """The row of a family; raises `ModelError` if there is none.

    >>> decoder_family("phi").rotary_share
    0.5
    """
    if model_type not in DECODERS:
        raise ModelError(
            f'Language models of the family "{model_type}" are not supported; supported are'
            f" {', '.join(DECODERS)}."
        )
    return DECODERS[model_type]


def gguf_family(architecture: str) -> DecoderFamily | None:
    """The row with this `general.architecture`; None if there is none.

    >>> gguf_family("gemma") is None
    True
    """
    return next((row for row in DECODERS.values() if row.gguf == architecture), None)


def gguf_architectures() -> tuple[str, ...]:
    """Every `general.architecture` that is supported."""
    return tuple(row.gguf for row in DECODERS.values() if row.gguf is not None)
