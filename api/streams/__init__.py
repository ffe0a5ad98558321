"""Door to message brokers: `attune consume` takes rows in, `attune publish` sends the log out."""
