"""Small JSON lines files of a simulated newsroom, which `attune sample` copies for the tutorial."""
