"""Distillation: a smaller student is trained on the outputs and features of its teacher."""
