"""Checks of how a bundle behaves: on changed histories, by readers, and in what it shows."""
