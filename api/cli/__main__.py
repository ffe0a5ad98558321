"""`python -m api.cli` is `attune`."""

from api.cli import main

main()
