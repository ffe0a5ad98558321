"""Live feed of one process: follows the log, loads articles and bundles, and logs the slates it shows."""
