"""Decoder language models in torch."""
