"""Use-cases of Attune: HTTP, Gorse routes and the command line call only these."""
