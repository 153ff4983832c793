"""Running an artefact with ONNX Runtime and numpy, without torch."""
