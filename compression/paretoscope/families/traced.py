"""The table of traced families: classifiers whose graph torch exports (`graphs/trace.py`), and
families that are refused because that graph would be wrong or cannot be made.

Every row without `refused` is a promise, which tests keep on tiny models and
docs/reference/families.md states. A family in no table is compared with torch before a trial is
queued (`graphs/check.py`). To add a family, append a row and sizes in
`benchmarks/families/configs.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from paretoscope.errors import ModelError
from paretoscope.families.encoders import ENCODERS


@dataclass(frozen=True, kw_only=True)
class TracedFamily:
    """A family of sequence classifiers without a row in `families/encoders.py`."""

    model_type: str
    """`model_type` in `config.json`."""
    refused: str = ""
    """Why its classifiers cannot be exported, as the end of a sentence; empty if they can."""
    unpruned: str = ""
    """Which weights pruning of single weights leaves alone; empty for none but the head's."""
    floats: str = ""
    """Which weights no scheme quantizes, besides positions, norms and biases."""
    note: str = ""
    """What to know about its graph."""
    warning: str = ""
    """Where its results may differ from those of transformers; stands on every trial."""

    @property
    def prunable(self) -> bool:
        """Whether any single weights can be pruned."""
        return self.unpruned != ALL


ALL = "all"
_ONE_LENGTH = "torch exports its attention for one length of text only"
_END_TOKENS = "it reads the class at end-of-text tokens, which torch cannot export for every text"
_LAST_TOKEN = "reads the class at the last token that is not padding: needs a pad_token_id"

TRACED: dict[str, TracedFamily] = {
    row.model_type: row
    for row in (
        TracedFamily(model_type="albert", note="layers that share weights are stored once"),
        TracedFamily(
            model_type="big_bird",
            warning=(
                "BigBird's attention is full at every length; transformers computes block-sparse"
                " attention for long texts until it has read a short one"
            ),
        ),
        TracedFamily(model_type="biogpt", note=_LAST_TOKEN),
        TracedFamily(model_type="bloom", note=_LAST_TOKEN),
        TracedFamily(model_type="convbert", unpruned="convolutions"),
        TracedFamily(model_type="ctrl", note=_LAST_TOKEN),
        TracedFamily(model_type="data2vec-text"),
        TracedFamily(
            model_type="deberta-v2",
            floats="products of relative positions",
            note="DeBERTa v2 and v3",
        ),
        TracedFamily(model_type="ernie"),
        TracedFamily(model_type="esm"),
        TracedFamily(model_type="eurobert"),
        TracedFamily(model_type="falcon", note=_LAST_TOKEN),
        TracedFamily(model_type="flaubert"),
        TracedFamily(model_type="gemma", note=_LAST_TOKEN),
        TracedFamily(model_type="gemma2", note=_LAST_TOKEN),
        TracedFamily(model_type="gemma3_text", note=_LAST_TOKEN),
        TracedFamily(model_type="gpt2", unpruned=ALL, note=_LAST_TOKEN),
        TracedFamily(model_type="gpt_neo", note=_LAST_TOKEN),
        TracedFamily(model_type="gpt_neox", note=_LAST_TOKEN),
        TracedFamily(model_type="gptj", note=_LAST_TOKEN),
        TracedFamily(model_type="gte"),
        TracedFamily(model_type="ibert", unpruned=ALL),
        TracedFamily(model_type="layoutlm", note="text without boxes"),
        TracedFamily(model_type="llama", note=_LAST_TOKEN),
        TracedFamily(model_type="luke", note="text without entities"),
        TracedFamily(model_type="megatron-bert"),
        TracedFamily(model_type="mistral", note=_LAST_TOKEN),
        TracedFamily(model_type="mobilebert"),
        TracedFamily(model_type="modernbert"),
        TracedFamily(model_type="modernbert-decoder", note=_LAST_TOKEN),
        TracedFamily(model_type="mpnet"),
        TracedFamily(model_type="mpt", note=_LAST_TOKEN),
        TracedFamily(model_type="nomic_bert"),
        TracedFamily(model_type="openai-gpt", unpruned=ALL, note=_LAST_TOKEN),
        TracedFamily(model_type="opt", note=_LAST_TOKEN),
        TracedFamily(model_type="phi", note=_LAST_TOKEN),
        TracedFamily(model_type="phi3", note=_LAST_TOKEN),
        TracedFamily(model_type="qwen2", note=_LAST_TOKEN),
        TracedFamily(model_type="qwen3", note=_LAST_TOKEN),
        TracedFamily(model_type="rembert"),
        TracedFamily(model_type="roberta-prelayernorm"),
        TracedFamily(model_type="roformer"),
        TracedFamily(model_type="squeezebert", unpruned=ALL),
        TracedFamily(model_type="smollm3", note=_LAST_TOKEN),
        TracedFamily(model_type="stablelm", note=_LAST_TOKEN),
        TracedFamily(model_type="starcoder2", note=_LAST_TOKEN),
        TracedFamily(model_type="xlm"),
        TracedFamily(model_type="xlm-roberta-xl"),
        TracedFamily(
            model_type="xlnet",
            unpruned="attention",
            note="without token types, which XLNet's own tokenizer gives to the class token",
        ),
        TracedFamily(model_type="yoso"),
        TracedFamily(model_type="bart", refused=_END_TOKENS),
        TracedFamily(model_type="bigbird_pegasus", refused=_END_TOKENS),
        TracedFamily(model_type="canine", refused="it reads characters, not tokens"),
        TracedFamily(model_type="deberta", refused=f"{_ONE_LENGTH}; DeBERTa v2 and v3 work"),
        TracedFamily(model_type="fnet", refused="ONNX has no Fourier transform that it needs"),
        TracedFamily(model_type="funnel", refused=_ONE_LENGTH),
        TracedFamily(model_type="longformer", refused=_ONE_LENGTH),
        TracedFamily(model_type="mbart", refused=_END_TOKENS),
        TracedFamily(model_type="mra", refused="its attention needs a GPU"),
        TracedFamily(model_type="mt5", refused=_END_TOKENS),
        TracedFamily(model_type="mvp", refused=_END_TOKENS),
        TracedFamily(
            model_type="nystromformer", refused="it reads only texts of one length, with padding"
        ),
        TracedFamily(model_type="plbart", refused=_END_TOKENS),
        TracedFamily(model_type="reformer", refused="its hashed attention is random"),
        TracedFamily(model_type="t5", refused=_END_TOKENS),
        TracedFamily(model_type="umt5", refused=_END_TOKENS),
    )
}
"""By `model_type`."""


def check_classifier_family(model_type: str) -> None:
    """Raise `ModelError` for a family whose classifiers are known not to be exportable.

    >>> check_classifier_family("longformer")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    paretoscope.errors.ModelError: Classifiers of the family "longformer" are not supported, ...
    """
    row = TRACED.get(model_type)
    if row is not None and row.refused:
        raise ModelError(
            f'Classifiers of the family "{model_type}" are not supported, because {row.refused};'
            " give a model of a family in docs/reference/families.md, for example"
            f" {', '.join(list(ENCODERS)[:3])} or modernbert."
        )


def classifier_notes(model_type: str) -> tuple[str, ...]:
    """What to state about every result of a family, as sentences without a full stop.

    >>> classifier_notes("bert"), classifier_notes("deberta-v2")
    ((), ('of a deberta-v2 model, products of relative positions stay in fp32 when quantized',))
    """
    row = TRACED.get(model_type)
    if row is None:
        return ()
    floats = f"of a {model_type} model, {row.floats} stay in fp32 when quantized"
    return tuple(filter(None, (row.warning, floats if row.floats else "")))
