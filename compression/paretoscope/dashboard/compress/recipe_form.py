"""The recipe as three cards with switches, and the presets that fill them in. What the form says is
`dashboard/compress/recipe_state.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from paretoscope.dashboard.compress.recipe_state import (
    DECODER_STARTS,
    DEFAULTS,
    State,
    for_decoder,
    leaves_zeros,
    splits_words,
    to_state,
)
from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import MODEL_CHANGED
from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.file import load_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneStructure
from paretoscope.recipes.stages.methods import (
    CALIBRATIONS,
    ROUNDINGS,
    STRUCTURE_CRITERIA,
    WEIGHT_SCORES,
)
from paretoscope.shape.compatibility import DECODER_TARGETS, decoder_methods
from paretoscope.workspace import SHIPPED

PREFIX = "form_"
PRESETS = {
    "gentle": "int8-embedding-4.yaml",
    "balanced": "student-ffn-int8.yaml",
    "tiny": "tiny.yaml",
}
DECODER_PRESETS = {
    "gentle": "weight-only-4-real.yaml",
    "balanced": "smollm2-sixth.yaml",
    "tiny": "smollm2-eighth.yaml",
}
"""Shipped recipes behind the preset chips, of a classifier and of a language model."""
LAST = "my last"
PATTERNS = {
    "unstructured": "anywhere",
    "2:4": "2 of 4 kept",
    "4:8": "4 of 8 kept",
    "1:4": "1 of 4 kept",
}
TARGET_WORDS = {
    "weights": "weights",
    "heads": "heads",
    "ffn": "neurons",
    "layers": "layers",
    "hidden": "hidden width",
    "vocabulary": "vocabulary",
}
CALIBRATION_HELP = (
    "Cutting rare large values off leaves finer steps for the others; whether that helps the"
    " answers, only a run shows."
)
SMOOTHING_HELP = (
    "Weights take over this share of the size of large activations (SmoothQuant). 0 is off, 0.5 is"
    " usual."
)
TRAINING_HELP = (
    "The model is trained as if it were quantized, so that it finds weights that round well. Needs"
    " 2, 4 or 8 bits."
)
UNLABELLED_HELP = (
    "The teacher alone says what it thinks of them. `movies` has some; name a file of yours under"
    " *Your own model or data*."
)
EPOCH_HELP = (
    "Of a language model an epoch is 16,384 tokens, a few minutes for a hundred million weights."
)
SCHEME_WORDS = {"int8-dynamic": "int8", "int8-static": "int8 static", "weight-only": "weights only"}
ALLOCATION_WORDS = {"error": "error", "sensitivity": "sensitivity"}


def draw(model: str, layers: int, *, decoder: bool = False) -> State:
    """The cards for a model with this many layers; returns the form's values. A language model has
    on them what it takes.
    """
    if st.session_state.pop(MODEL_CHANGED, False):
        for name in DECODER_STARTS:
            st.session_state.pop(PREFIX + name, None)
    for name, value in {**DEFAULTS, **(DECODER_STARTS if decoder else {})}.items():
        st.session_state.setdefault(PREFIX + name, value)
    if st.session_state[PREFIX + "layers"] > layers:
        st.session_state[PREFIX + "layers"] = max(1, layers // 2)
    if decoder:
        _fitting()
    _presets(model, decoder=decoder)
    _distil(layers, decoder=decoder)
    _prune(
        st.session_state[PREFIX + "layers"] if st.session_state[PREFIX + "distil"] else layers,
        decoder=decoder,
    )
    _quantize(decoder=decoder)
    _recover(trains=not decoder)
    state = {name: st.session_state.get(PREFIX + name, value) for name, value in DEFAULTS.items()}
    return for_decoder(state) if decoder else {**state, "decoder": False}


def _fitting() -> None:
    """Before the widgets of a language model are drawn: what another model's form left there and
    this one does not offer falls back.
    """
    state = {name: st.session_state[PREFIX + name] for name in DEFAULTS}
    for name, value in for_decoder(state).items():
        if name in ("targets", "method", "criterion", "allocation") and value != state[name]:
            st.session_state[PREFIX + name] = value


def fill(recipe: Recipe) -> None:
    """Set the form to a recipe; raises `RecipeError` when it cannot hold it. Only in a callback or
    before the form is drawn.
    """
    for name, value in to_state(recipe).items():
        st.session_state[PREFIX + name] = value


def _key(name: str) -> dict[str, Any]:
    """Key and life of a widget: the form keeps its values when a card is switched off or another
    page is visited.
    """
    return {"key": PREFIX + name, "persist_state": "session"}


def _presets(model: str, *, decoder: bool) -> None:
    shipped = DECODER_PRESETS if decoder else PRESETS
    names = [*shipped, *([LAST] if _last(model) else [])]
    st.pills(
        "Start from",
        names,
        key="preset",
        on_change=_preset_chosen,
        args=(model, shipped),
        label_visibility="collapsed",
    )
    if "preset_error" in st.session_state:
        st.warning(st.session_state.pop("preset_error"), icon=":material/info:")


def _preset_chosen(model: str, shipped: Mapping[str, str]) -> None:
    name = st.session_state.get("preset")
    try:
        recipe = (
            _last(model)
            if name == LAST
            else load_recipe(SHIPPED / "recipes" / shipped[name])
            if name
            else None
        )
        if recipe is not None:
            fill(recipe)
    except ParetoscopeError as error:
        st.session_state["preset_error"] = str(error)
    st.session_state["preset"] = None


def _last(model: str) -> Recipe | None:
    """What was asked for last of this model, the baseline apart."""
    asked = [
        row for row in data.trials() if row.request.model == model and row.request.recipe.stages
    ]
    return max(asked, key=lambda row: row.queued_at).request.recipe if asked else None


def _distil(layers: int, *, decoder: bool) -> None:
    with st.container(border=True):
        if not st.toggle("**1 Distil** a student", **_key("distil"), disabled=layers < 2):
            return
        st.slider(
            "Student layers",
            1,
            max(2, layers),
            help=f"The teacher, this model itself, has {layers}.",
            **_key("layers"),
        )
        with st.expander("Narrower layers"):
            help_start = "The student starts from the most important ones of its teacher."
            st.slider(
                "Attention heads it does without",
                0,
                90,
                step=1,
                format="%d %%",
                help=help_start,
                **_key("student_heads"),
            )
            st.slider(
                "Neurons it does without",
                0,
                95,
                step=1,
                format="%d %%",
                help=help_start,
                **_key("student_ffn"),
            )
        with st.expander("Training"):
            st.slider(
                "Epochs",
                0.0,
                20.0,
                step=0.5,
                help=EPOCH_HELP if decoder else None,
                **_key("epochs"),
            )
            st.slider(
                "Temperature",
                0.5,
                10.0,
                step=0.5,
                help="Softens both outputs before they are compared.",
                **_key("temperature"),
            )
            st.slider(
                "Weight of the teacher",
                0.0,
                1.0,
                step=0.05,
                help="The rest of the loss is on the labels.",
                **_key("soft_weight"),
            )
            if decoder:
                return
            help_inner = (
                "Added to the loss; above 0 the teacher runs beside the student, and an epoch takes"
                " some two thirds longer."
            )
            st.slider(
                "Weight of hidden states",
                0.0,
                10.0,
                step=0.5,
                help=help_inner,
                **_key("hidden_weight"),
            )
            st.slider(
                "Weight of attention",
                0.0,
                10.0,
                step=0.5,
                help=help_inner,
                **_key("attention_weight"),
            )
            help_copies = (
                "With words masked or left out. Each makes an epoch longer by the whole training"
                " split."
            )
            st.slider("Damaged copies of each text", 0, 10, help=help_copies, **_key("augment"))
            st.toggle(
                "Also learn from unlabelled texts", help=UNLABELLED_HELP, **_key("unlabelled")
            )


def _prune(layers: int, *, decoder: bool) -> None:
    with st.container(border=True):
        if not st.toggle("**2 Prune**", **_key("prune")):
            return
        targets = st.pills(
            "What goes: one or several, one after the other",
            [name for name in TARGET_WORDS if not decoder or name in ("weights", *DECODER_TARGETS)],
            selection_mode="multi",
            format_func=lambda name: (
                "key heads with their query heads"
                if decoder and name == "heads"
                else TARGET_WORDS[name]
            ),
            **_key("targets"),
        )
        if "weights" in targets:
            _prune_weights(decoder=decoder)
        if "heads" in targets:
            st.slider(
                "Key heads that go" if decoder else "Attention heads that go",
                0,
                90,
                step=1,
                format="%d %%",
                **_key("heads"),
            )
        if "ffn" in targets:
            st.slider("Feed-forward neurons that go", 0, 95, step=1, format="%d %%", **_key("ffn"))
        if "vocabulary" in targets:
            help_words = (
                "Special tokens and single characters stay, then what the training texts use most."
                " Other words fall into pieces."
            )
            st.slider(
                "Vocabulary that goes",
                0,
                90,
                step=1,
                format="%d %%",
                help=help_words,
                **_key("vocabulary"),
            )
        if "layers" in targets:
            gone = st.slider("Layers that go", 0, 90, step=1, format="%d %%", **_key("drop_layers"))
            st.caption(
                f"{PruneStructure(target='layers', ratio=gone / 100).kept(layers)} of {layers}"
                " stay."
            )
        if "hidden" in targets:
            st.slider("Hidden dimensions that go", 0, 90, step=1, format="%d %%", **_key("hidden"))
        if set(targets) - {"weights", "vocabulary"}:
            uneven = (
                "ffn" in targets and "heads" not in targets
                if decoder
                else bool({"heads", "ffn"} & set(targets))
            )
            _choose_structure(uneven=uneven, decoder=decoder)
        help_epochs = EPOCH_HELP if decoder else None
        if st.slider(
            "Retrain afterwards",
            0.0,
            10.0,
            step=0.5,
            format="%.1f epochs",
            help=help_epochs,
            **_key("retrain"),
        ):
            help_teach = (
                "The model before pruning teaches what is left; the rest of the loss is on"
                f" {'the next token' if decoder else 'the labels'}."
            )
            if (
                st.slider(
                    "Weight of the unpruned model",
                    0.0,
                    1.0,
                    step=0.05,
                    help=help_teach,
                    **_key("teach"),
                )
                and not decoder
            ):
                st.toggle(
                    "Retrain on unlabelled texts too",
                    help=UNLABELLED_HELP,
                    **_key("teach_unlabelled"),
                )


def _choose_structure(*, uneven: bool, decoder: bool) -> None:
    """Which parts go first and, where layers may differ, from which layers."""
    names = decoder_methods(STRUCTURE_CRITERIA) if decoder else tuple(STRUCTURE_CRITERIA)
    st.selectbox(
        "Choose parts by",
        names,
        format_func=lambda name: STRUCTURE_CRITERIA[name].label,
        **_key("criterion"),
    )
    if uneven:
        words = {"uniform": "evenly", "global": "where least missed"}
        st.segmented_control(
            "Heads and neurons go",
            list(words),
            format_func=lambda name: words[name],
            required=True,
            **_key("allocation"),
        )


def _prune_weights(*, decoder: bool) -> None:
    names = decoder_methods(WEIGHT_SCORES) if decoder else tuple(WEIGHT_SCORES)
    method = st.selectbox(
        "Choose weights by",
        names,
        format_func=lambda name: WEIGHT_SCORES[name].label,
        **_key("method"),
    )
    free = st.session_state[PREFIX + "pattern"] == "unstructured"
    if free:
        st.slider(
            "Sparsity",
            0,
            95,
            step=1,
            format="%d %%",
            help="Share of single weights that become zero.",
            **_key("sparsity"),
        )
    st.selectbox(
        "Where zeros may be",
        list(PATTERNS),
        format_func=lambda name: PATTERNS[name],
        **_key("pattern"),
    )
    if free and not WEIGHT_SCORES[method].updates:
        words = {"layer": "in each matrix", "global": "over all matrices"}
        st.segmented_control(
            "Rank weights",
            list(words),
            format_func=lambda name: words[name],
            required=True,
            **_key("rank"),
        )
    st.slider(
        "Steps",
        1,
        10,
        help=(
            "More than one: sparsity rises on a cubic schedule, with the retraining spread between"
            " the steps."
        ),
        **_key("steps"),
    )


def _quantize(*, decoder: bool = False) -> None:
    with st.container(border=True):
        if not st.toggle(
            "**3 Quantize** the weights" if decoder else "**3 Quantize**", **_key("quantize")
        ):
            return
        scheme = "weight-only" if decoder else _scheme()
        if scheme == "weight-only":
            help_bits = "Layers take 2, 4 or 8 bits each, so that their average is this."
            budget = bool(st.session_state[PREFIX + "max_mb"])
            st.slider(
                "Bits per weight, on average",
                2.0,
                8.0,
                step=0.5,
                format="%.1f bits",
                help=help_bits,
                disabled=budget,
                **_key("bits"),
            )
            help_mb = (
                "In place of bits: the widths of every part, embedding and last matrix too, are"
                " chosen so that all files fit."
            )
            st.number_input(
                "Or at most, in MB",
                min_value=0.1,
                step=1.0,
                value=None,
                placeholder="any size",
                help=help_mb,
                **_key("max_mb"),
            )
            if decoder:  # it costs a language model more than a bit does
                _zero_point()
        if scheme == "int8-static":
            st.selectbox(
                "Range of activations",
                list(CALIBRATIONS),
                format_func=lambda name: CALIBRATIONS[name].label,
                help=CALIBRATION_HELP,
                **_key("calibration"),
            )
        trained = st.session_state[PREFIX + "train_epochs"] > 0 and not decoder
        if scheme != "weight-only" and not trained:
            st.slider("Smoothing", 0.0, 1.0, step=0.05, help=SMOOTHING_HELP, **_key("smooth"))
        if scheme == "int8-static" or (
            scheme == "int8-dynamic" and st.session_state[PREFIX + "smooth"] and not trained
        ):
            st.select_slider(
                "Calibration examples",
                [32, 64, 128, 256, 512, 1024],
                **_key("calibration_examples"),
            )
        fitted = scheme == "weight-only" and bool(st.session_state[PREFIX + "max_mb"])
        help_table = (
            "Most language models have one table for words and last matrix: it takes the finer of"
            " the two."
            if decoder
            else None
        )
        st.select_slider(
            "Word embedding",
            [2, 4, 8, 32],
            format_func=_bits,
            disabled=fitted,
            help=help_table,
            **_key("embedding_bits"),
        )
        if scheme == "weight-only" and decoder:
            st.select_slider(
                "Last matrix",
                [2, 4, 8, 32],
                format_func=_bits,
                disabled=fitted,
                help=help_table,
                **_key("head_bits"),
            )
        if scheme == "weight-only":
            _groups(decoder=decoder, fitted=fitted)
        if decoder:
            help_cache = (
                "Keys and values of the text so far: 8 bits take a quarter of the memory of a long"
                " text, and cost time."
            )
            st.segmented_control(
                "Key-value cache",
                [32, 8],
                format_func=_bits,
                help=help_cache,
                required=True,
                **_key("cache_bits"),
            )
            return
        with st.expander("Training with rounding"):
            st.slider(
                "Train while rounding",
                0.0,
                10.0,
                step=0.5,
                format="%.1f epochs",
                help=TRAINING_HELP,
                **_key("train_epochs"),
            )
            if trained:
                help_teacher = (
                    "The teacher is the model before this step. The rest of the loss is on the"
                    " labels."
                )
                st.slider(
                    "Weight of its teacher",
                    0.0,
                    1.0,
                    step=0.05,
                    help=help_teacher,
                    **_key("distill_weight"),
                )


def _groups(*, decoder: bool, fitted: bool) -> None:
    with st.expander("Groups and rounding"):
        st.select_slider("Weights that share a scale", [16, 32, 64, 128, 256], **_key("group_size"))
        if not decoder:
            st.select_slider(
                "Last matrix",
                [2, 4, 8, 32],
                format_func=_bits,
                disabled=fitted,
                **_key("head_bits"),
            )
        if not decoder and not st.session_state[PREFIX + "train_epochs"]:
            _zero_point()
        if decoder and splits_words(
            {
                name: st.session_state[PREFIX + name]
                for name in ("embedding_bits", "head_bits", "max_mb")
            }
        ):
            help_words = (
                "The merges of a byte-pair vocabulary come by frequency: its first words are most"
                " of what is read and written."
            )
            st.slider(
                "Frequent words that keep 8 bits",
                0,
                20_000,
                step=1000,
                help=help_words,
                **_key("frequent_words"),
            )
        st.selectbox(
            "Rounding",
            list(ROUNDINGS),
            format_func=lambda name: ROUNDINGS[name].label,
            **_key("rounding"),
        )
        st.segmented_control(
            "Widths by",
            list(ALLOCATION_WORDS),
            format_func=lambda name: ALLOCATION_WORDS[name],
            required=True,
            help=(
                "Which matrix takes how many bits follows its own error, or how far the model's"
                " answers move (takes a minute)."
            ),
            **_key("widths"),
        )


def _zero_point() -> None:
    help_zero = (
        "With an integer, zero is a level of every group, as pruned weights need it. A real number"
        " lets the levels begin at a group's least weight: finer at a byte more a group, and all"
        " but exact for weights that come from a Q4_1 file, as those of smollm2-135m do."
    )
    held = leaves_zeros(
        {
            name: st.session_state[PREFIX + name]
            for name in ("prune", "targets", "sparsity", "pattern")
        }
    )
    st.segmented_control(
        "Zero point",
        ["integer", "real"],
        help=help_zero,
        required=True,
        disabled=held,
        **_key("zero_point"),
    )


def _recover(*, trains: bool) -> None:
    unit = "points" if trains else "%%"
    with st.expander("Recover what a step costs"):
        help_try = (
            "A step that costs more is tried otherwise at the same size: another allocation, a"
            " method that looks at data, training."
        )
        st.slider(
            "A step may cost",
            0.0,
            5.0,
            step=0.25,
            format=f"%.2f {unit}",
            help=help_try,
            **_key("recover"),
        )
        if not st.session_state[PREFIX + "recover"]:
            st.caption("Off: every step is taken as it comes.")
        elif trains:
            st.slider(
                "Training that may be added",
                0.0,
                20.0,
                step=1.0,
                format="%.0f epochs",
                **_key("recover_epochs"),
            )


def _scheme() -> str:
    return st.segmented_control(
        "Scheme",
        list(SCHEME_WORDS),
        format_func=lambda name: SCHEME_WORDS[name],
        label_visibility="collapsed",
        required=True,
        **_key("scheme"),
    )


def _bits(width: int) -> str:
    return "fp32" if width == 32 else f"{width} bits"
