"""Figures, tables and one-file reports, without streamlit or torch."""
