"""A simulated newsroom and readers with known tastes, for the demo, tests and load."""
