"""Article → text → vector."""
