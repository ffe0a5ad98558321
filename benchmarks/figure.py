"""How benchmarks that tell several things print one of them."""


def figure(name: str, value: float, told: str) -> None:
    """A line with a number, and what is to be said of it."""
    print(f"{name:<24}{value:>9.2f} {told}", flush=True)
