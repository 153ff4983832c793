"""What a person takes away: figures, tables and one-file reports. It imports neither streamlit nor
torch.
"""
