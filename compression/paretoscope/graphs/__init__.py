"""ONNX graphs of models: assembled or traced, checked against torch, written to disk."""
