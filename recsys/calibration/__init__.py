"""Calibrated attention: observing, and later adjusting, the attention of any transformers model."""
