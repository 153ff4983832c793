"""What a compressed model saves: instances, cost, energy, carbon, battery, break-even.

Pure arithmetic on measured figures and stated assumptions; the formulas are in docs/impact.md.
"""

from paretoscope.impact.per_year import PerYear, per_year

__all__ = ["PerYear", "per_year"]
