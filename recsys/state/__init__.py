"""The fold of the log: counters, histories, exposures and ratings in flat arrays."""
