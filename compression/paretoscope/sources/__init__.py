"""Where models come from: built in, a folder, the hub, a GGUF file. No torch."""
