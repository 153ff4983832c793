"""Parts that pages share. Besides app.py and pages/ the only code that imports streamlit."""
