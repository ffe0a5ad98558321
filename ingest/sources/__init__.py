"""Formats that logs come in. A source yields batches of raw rows; it knows no SQL and encodes no text."""
