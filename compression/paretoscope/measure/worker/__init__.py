"""The measuring process; it imports numpy and ONNX Runtime only."""
