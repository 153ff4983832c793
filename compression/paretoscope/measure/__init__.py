"""Numbers about artefacts: quality, latency, memory, size and energy, each taken on the files that
ship.

How each number is taken is told in `docs/measuring.md`. The process that measures
(`measure/worker/classifier.py`) imports ONNX Runtime and numpy only; this file stays empty so that
it stays light.
"""
