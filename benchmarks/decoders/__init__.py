"""What compression does to a language model, compared with llama.cpp."""
