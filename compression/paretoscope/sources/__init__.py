"""Model sources: built-in models, folders, the hub and GGUF files. No torch."""
