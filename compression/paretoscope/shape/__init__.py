"""Shapes of models before and after a recipe, and bytes of artefacts. No torch."""
