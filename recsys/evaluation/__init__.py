"""Temporal evaluation by replay, with the metrics and intervals of the protocol."""
