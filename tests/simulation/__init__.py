"""Whole histories of an engine, drawn from one number each: `python -m tests.simulation --seed 17` plays one again."""
