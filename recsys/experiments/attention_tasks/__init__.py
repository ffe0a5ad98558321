"""Experiments with calibrated attention in small models of many tasks, on data that needs no download."""
