"""Where results are sent: MLflow and the Hugging Face Hub."""
