"""What pruning criteria observe: inputs, gradients, layer outputs."""
