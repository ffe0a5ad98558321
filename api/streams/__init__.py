"""Door to message brokers: `attune consume` takes events and articles in, `attune publish` sends the log out."""
