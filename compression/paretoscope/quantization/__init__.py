"""Fewer bits: one file per scheme, one per way of rounding, and the exact allocation of bits
between them.
"""
