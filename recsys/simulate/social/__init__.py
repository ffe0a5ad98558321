"""A simulated social network with planted communities, and the value of its feeds by the truth."""
