"""Printing of one figure, for benchmarks with several figures."""


def figure(name: str, value: float, note: str) -> None:
    """Print a line with a number and a note."""
    print(f"{name:<24}{value:>9.2f} {note}", flush=True)
