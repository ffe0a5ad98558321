"""`python -m api.cli` runs `attune`."""

from api.cli import main

main()
