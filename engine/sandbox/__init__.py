"""Code that people write, run where it can reach nothing."""
