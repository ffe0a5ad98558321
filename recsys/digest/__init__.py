"""Digests of spoken and written text: a weight per sentence, an extract within a budget, minutes of a meeting."""
