"""Statistics for pruning criteria: moments of inputs, gradients, states before and after layers."""
