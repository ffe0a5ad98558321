"""Executors of independent pieces of work: processes of this machine, or the nodes of a Ray cluster."""
