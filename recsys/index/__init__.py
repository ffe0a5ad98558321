"""Vectors → nearest articles, behind one port."""
