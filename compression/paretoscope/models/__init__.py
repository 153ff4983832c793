"""Models in torch: checkpoints, adapters, and the parts of each architecture by name."""
