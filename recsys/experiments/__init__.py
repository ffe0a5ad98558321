"""Experiments that measure calibrated attention; the product never imports them."""
