"""What a reader attends to: a weight per item of history, a match score per candidate."""
