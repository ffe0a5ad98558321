"""Tracking: trainings and evaluations are recorded, to compare them later."""
