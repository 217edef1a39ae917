"""The command line: one call of the facade, or of the served API, per verb."""
