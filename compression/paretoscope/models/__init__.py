"""Models in torch: reading and writing checkpoints, knowing their anatomy, training them.
Everything here needs torch.
"""
