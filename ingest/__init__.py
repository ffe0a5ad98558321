"""Rows from outside become log entries: sources → validation → store, in batches that can be resumed."""
