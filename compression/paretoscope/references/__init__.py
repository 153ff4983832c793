"""Reference points: logistic regression on fixed features, fitted and written as an ONNX graph."""
