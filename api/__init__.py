"""How the outside talks to Attune: a command line and an HTTP service."""
