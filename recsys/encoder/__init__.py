"""Encoder: from article to text to vector."""
