"""Ingest of rows from outside into the log: sources → validation → store, in batches that can be resumed."""
