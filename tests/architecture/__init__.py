"""The rules of the house, each held by a test that is itself shown to fail on a bad sample."""
