"""Attune's recommender: everything it knows is a fold over an event log."""
