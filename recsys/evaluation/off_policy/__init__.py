"""Off-policy evaluation: what a policy would have earned, from slates of another one with known propensities."""
