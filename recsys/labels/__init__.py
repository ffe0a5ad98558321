"""Behaviour and read time → graded relevance labels."""
