"""Training of calibrated attention: detectors, the gates that switch it on, and damage benchmarks."""
