"""The projection of the event log into live state and article vectors."""
