"""SQL, and the only place that says it: the event log is the truth, everything else is derived from it."""
