"""What the three strategies do on the built-in encoders, measured, beside public tools: `python -m
benchmarks.encoders`.
"""
