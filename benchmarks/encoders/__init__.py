"""What pruning, quantization and distillation do to encoders, compared with public tools."""
