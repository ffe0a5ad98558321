"""Simulated newsroom and readers with known affinities, for the demo, tests and load."""

from recsys.simulate.world import World, oracle_scores, simulate

__all__ = ["World", "oracle_scores", "simulate"]
