"""Distillation: a smaller student that learns from its teacher's outputs (`student.py`)."""
