"""Training jobs: from the event log to a bundle."""
