"""The use-cases of Attune: HTTP, Gorse routes and the command line call these and nothing below them."""
