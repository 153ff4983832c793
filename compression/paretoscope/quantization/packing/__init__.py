"""Groups of small integers as tensors and operators of an ONNX graph."""
