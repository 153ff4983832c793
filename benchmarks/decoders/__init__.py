"""What compression does to a language model, measured, beside llama.cpp: `python -m
benchmarks.decoders`.
"""
