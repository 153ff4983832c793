"""Measures artefacts: quality, latency, memory, size and energy, always on the packed files.

The methods are described in `docs/measuring.md`. This file stays empty, because the measuring
process imports it and loads nothing but ONNX Runtime and numpy.
"""
