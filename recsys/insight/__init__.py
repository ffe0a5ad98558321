"""Explanations of what Attune learned about one reader."""
