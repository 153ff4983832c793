"""Quantization: schemes, roundings and calibrations, and the allocation of bits to matrices."""
