"""What models and steps may have called: typed, described, and pinned."""
