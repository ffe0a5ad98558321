"""Cost benchmarks, each compared with a floor: `make bench`, or `python -m benchmarks.NAME`."""
