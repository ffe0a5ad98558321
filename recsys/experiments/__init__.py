"""Experiments that measure calibrated attention. The product never imports them."""
