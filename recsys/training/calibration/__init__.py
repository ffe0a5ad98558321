"""Calibrated attention: training the detectors, deciding what is switched on, and measuring all of it."""
