"""Off-policy evaluation: what a policy would have earned, from slates of another policy with known propensities."""
