"""The recipe form of Compress: its values, its cards, and the recipe that they describe."""
