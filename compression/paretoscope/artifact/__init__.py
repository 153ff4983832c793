"""The folder that is deployed: its files, and the script that runs the model."""
