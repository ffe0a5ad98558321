"""Calibrated attention: observes and adjusts the attention of any transformers model."""
