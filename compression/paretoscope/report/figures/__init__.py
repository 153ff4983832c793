"""Plotly figures: what they show is data, computed apart from how it is drawn."""
