"""The saving of a year as four figures and a line of text, for a card."""

from __future__ import annotations

from dataclasses import dataclass

from paretoscope.impact.assumptions import Assumptions, from_tables
from paretoscope.impact.ends import Ends
from paretoscope.impact.figures import Figures, MeasuredRow, figures
from paretoscope.impact.saving import impact
from paretoscope.impact.wording import button


@dataclass(frozen=True)
class PerYear:
    """What a year saves, with intervals; negative figures are losses. `words` fit a button."""

    hours: Ends
    usd: Ends
    kwh: Ends
    kg: Ends
    words: str


def per_year(row: MeasuredRow | Figures, assumptions: Assumptions | None = None) -> PerYear:
    """The saving of a measured row, or of its figures, under the assumptions.

    The default assumptions are a million requests a day on the first instance of the shipped
    tables. Raises `ParetoscopeError` where latency or energy was not measured.
    """
    found = row if isinstance(row, Figures) else figures(row)
    made = impact(found, assumptions or from_tables())
    return PerYear(
        made.saved("hours"), made.saved("usd"), made.saved("kwh"), made.saved("kg"), button(made)
    )
