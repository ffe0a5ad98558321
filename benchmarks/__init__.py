"""What things cost, each against a floor: `make bench`, or `python -m benchmarks.NAME`."""
