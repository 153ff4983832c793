"""Rounding methods: one file each."""
