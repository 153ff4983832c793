"""The same models made with public tools only, by their documented calls: what people would use
instead.
"""
