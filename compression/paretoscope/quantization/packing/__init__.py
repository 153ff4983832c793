"""How quantized weights are stored and multiplied."""
