"""The recovery card: how much a stage may lose before it is retried."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.compress.form.widgets import key, value

OFF = "Off: stages are not retried."


def draw(*, trains: bool) -> None:
    """The card; with `trains` training may be added."""
    unit = "points" if trains else "%%"
    with st.expander("Recovery"):
        st.slider(
            "Loss allowed per stage",
            0.0,
            5.0,
            step=0.25,
            format=f"%.2f {unit}",
            help="A stage that loses more is retried at the same size with another allocation,"
            " method or training.",
            **key("recover"),
        )
        if not value("recover"):
            st.caption(OFF)
        elif trains:
            st.slider(
                "Additional training",
                0.0,
                20.0,
                step=1.0,
                format="%.0f epochs",
                **key("recover_epochs"),
            )
