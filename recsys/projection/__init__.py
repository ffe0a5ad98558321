"""Projection of the event log to live state and article vectors."""
