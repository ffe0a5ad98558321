"""Interest models: a weight per item of history and a match score per candidate."""
