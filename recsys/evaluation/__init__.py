"""Temporal evaluation by replay of the log, with metrics and confidence intervals."""
