"""Sources: formats of logs. A source yields batches of raw rows; it uses no SQL and no encoder."""
