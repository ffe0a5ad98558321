"""Jobs that turn the log into a bundle."""
