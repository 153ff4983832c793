"""The Streamlit dashboard; only this package, app.py and pages/ import streamlit."""
