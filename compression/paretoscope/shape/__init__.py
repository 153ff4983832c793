"""The shape of a model before and after a recipe, and the bytes that it takes. No torch."""
