"""The Pareto front: points, limits, recommendation, comparison."""
