"""A mixed recipe from chosen widths: its exact bytes, its estimate, and where it goes next."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress import actions
from paretoscope.dashboard.compress.estimates import Figures, figures
from paretoscope.dashboard.compress.request import usual_conditions, wanted
from paretoscope.dashboard.layers.content import Content
from paretoscope.dashboard.layers.rows import choosable
from paretoscope.dashboard.shell import permissions, url_widgets
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.errors import ParetoscopeError
from paretoscope.layers.parts import part
from paretoscope.recipes.file import parse_recipe
from paretoscope.recipes.recipe import Recipe
from paretoscope.store.store import TrialRow
from paretoscope.trials.format import size_in_words
from paretoscope.trials.trial import LIVE

CHOSEN = "ly_w"
"""Session state and query: the chosen widths as `part:bits`."""
WIDTHS = (8, 4, 2, 32)
REST = "ly_rest"
PARTS, BITS = "ly_parts", "ly_bits"
"""Keys of the list that chooses widths without a click on the map."""
NAMES = {32: "fp32", 8: "8 bits", 4: "4 bits", 2: "2 bits"}
NOT_CHOSEN = "Choose a part and a width first."


def _width(bits: int | str) -> str:
    return NAMES[int(bits)]


def chosen() -> dict[str, int]:
    """Width by part; initially that of the link."""
    if CHOSEN not in st.session_state:
        st.session_state[CHOSEN] = _read(st.query_params.get_all(CHOSEN))
    found: dict[str, int] = dict(st.session_state[CHOSEN])
    _write(found)
    return found


def _read(texts: list[str]) -> dict[str, int]:
    """The valid widths of an address.

    >>> _read(["layer.0.ffn.in:4", "embedding:7", "x"])
    {'layer.0.ffn.in': 4}
    """
    pairs = [text.rpartition(":")[::2] for text in texts[:500]]
    return {
        name: int(bits) for name, bits in pairs if bits in map(str, WIDTHS) and part(name).is_matrix
    }


def _write(widths: dict[str, int]) -> None:
    texts = [f"{name}:{bits}" for name, bits in sorted(widths.items())]
    st.session_state[CHOSEN] = dict(widths)
    if not texts:
        url_widgets.forget(CHOSEN)
    elif st.query_params.get_all(CHOSEN) != texts:
        st.query_params[CHOSEN] = texts


def toggle(name: str, bits: int) -> None:
    """Choose a width, or take the choice back."""
    found = chosen()
    if found.get(name) == bits:
        del found[name]
    else:
        found[name] = bits
    _write(found)


def _set() -> None:
    """Callback of the button of the list."""
    found = chosen()
    found |= dict.fromkeys(st.session_state[PARTS], int(st.session_state[BITS]))
    _write(found)


def _clear() -> None:
    _write({})


def recipe(content: Content, widths: dict[str, int], rest: int) -> Recipe:
    """The recipe of the widths; the other matrices have `rest` bits. Raises `RecipeError`."""
    outer = {"embedding": "embedding_bits", "head": "head_bits"}
    known = {each.name for each in choosable(content)}
    parts = {
        name: bits
        for name, bits in widths.items()
        if name in known and name not in outer and bits != rest
    }
    stage = {
        "kind": "quantize",
        "scheme": "weight-only",
        "bits": rest,
        **{field: widths.get(name, rest) for name, field in outer.items()},
        "parts": parts,
    }
    return parse_recipe({"stages": [stage]}, where="In the mixed recipe")


def draw(here: Scope, content: Content) -> None:
    """The choices, the bytes and the estimate, and the ways on."""
    widths = chosen()
    st.markdown("#### Mixed recipe")
    rest = int(
        url_widgets.option(
            "Other matrices",
            [str(bits) for bits in (8, 4, 2)],
            key=REST,
            format_func=_width,
            help="Bits of every part that is not chosen.",
        )
    )
    _list(content)
    st.caption(in_words(widths) or "Click a cell of the map, or choose parts in the list.")
    try:
        made = recipe(content, widths, rest)
    except ParetoscopeError as error:
        error_card(error)
        return
    _figures(figures(here, content.shape, made), content)
    _actions(here, made, len(widths))


def _list(content: Content) -> None:
    """The choice of widths by keyboard."""
    names = [each.name for each in choosable(content)]
    if set(st.session_state.get(PARTS, ())) - set(names):
        del st.session_state[PARTS]
    st.multiselect(
        "Parts",
        names,
        key=PARTS,
        format_func=lambda name: part(name).label,
        placeholder="Choose parts",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Width",
            list(WIDTHS),
            key=BITS,
            default=4,
            format_func=_width,
            required=True,
            label_visibility="collapsed",
        )
        ready = bool(st.session_state.get(PARTS))
        st.button(
            "Set",
            on_click=_set,
            key="ly_set",
            disabled=not ready,
            help=None if ready else "Choose parts first.",
        )
        empty = not chosen()
        st.button(
            "Clear",
            on_click=_clear,
            key="ly_clear",
            type="tertiary",
            disabled=empty,
            help="No width is chosen." if empty else None,
        )


def in_words(widths: dict[str, int]) -> str:
    """ "4 bits: Layer 0 · FFN up, Embedding"; empty without a choice."""
    found: list[str] = []
    for bits in WIDTHS:
        names = [part(name).label for name, each in widths.items() if each == bits]
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        if names:
            found.append(f"{NAMES[bits]}: {', '.join(names[:6])}{more}")
    return "; ".join(found)


def _figures(found: Figures, content: Content) -> None:
    """Exact bytes; the estimates as a range, never as one figure."""
    if found.size is None or found.baseline_bytes is None:
        return
    size, numbers = found.size, found.numbers
    about = "" if size.exact else "about "
    st.markdown(
        f"**{about}{size.total_bytes / 1e6:,.2f} MB**"
        f" ({size_in_words(found.baseline_bytes / size.total_bytes)}),"
        f" {size.weights_bytes:,} bytes of weights{' exactly' if size.exact else ''}"
    )
    if numbers is None:
        return
    lines: list[str] = []
    if numbers.quality and not content.decoder:
        lines.append(
            f"accuracy {100 * numbers.quality.low:.1f} to {100 * numbers.quality.high:.1f} %"
        )
    elif numbers.quality:
        lines.append(f"perplexity {numbers.quality.low:.3g} to {numbers.quality.high:.3g}")
    if numbers.speedup:
        lines.append(f"speed {numbers.speedup.low:.2g}x to {numbers.speedup.high:.2g}x")
    kind = "Measured" if numbers.measured else "Estimate"
    level = f" ({100 * numbers.level:.0f} % prediction intervals)" if numbers.level else ""
    basis = f" from {numbers.points} measured recipes{level}" if not numbers.measured else ""
    st.markdown(f"*{kind}{basis}: {', '.join(lines) or numbers.reason or 'none yet'}.*")
    if lines and not numbers.measured:
        st.caption("It uses the average width, not which parts have it. Measure to be sure.")


def _state(trial: TrialRow | None) -> str:
    """Why a trial cannot be queued again."""
    if trial is None or trial.status in ("failed", "cancelled"):
        return ""
    return "It is measured." if trial.status == "done" else "It is queued or running."


def _actions(here: Scope, made: Recipe, count: int) -> None:
    with st.container(horizontal=True, gap="small"):
        found = wanted(here, made, "quick", usual_conditions(here))
        trial = found.trial
        if permissions.button(
            "Compress and measure",
            icon=":material/compress:",
            type="primary",
            key="ly_run",
            why_not=found.problem or _state(trial) if count else NOT_CHOSEN,
        ):
            actions.queue([found.request] if found.request else [])
        if trial and trial.status in LIVE:
            st.page_link("pages/jobs.py", label="Show jobs", icon=":material/autorenew:")
        st.download_button(
            "YAML",
            made.to_yaml(),
            file_name="mixed.yaml",
            mime="application/yaml",
            icon=":material/description:",
            type="tertiary",
            key="ly_yaml",
            on_click="ignore",
            disabled=not count,
            help="Downloads the recipe." if count else NOT_CHOSEN,
        )
