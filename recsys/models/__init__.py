"""Trained models on disk and in memory: bundles, their loader and their calibrator."""
