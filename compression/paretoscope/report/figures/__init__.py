"""Plotly figures; their content is computed as data before it is drawn."""
