"""Vector indexes: from a vector to the nearest articles, behind one interface."""
