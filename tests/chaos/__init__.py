"""Processes die at any moment: what was acknowledged stays, nothing happens twice, every run goes on."""
