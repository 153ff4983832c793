"""Paretoscope's backend: real compressed transformers, really measured. It never imports streamlit."""

__version__ = "0.1.0"
