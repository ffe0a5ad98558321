"""A feed that lives in a process: it follows the log, takes in articles and bundles, and logs what it shows."""
