"""Tables of a workspace: small, typed, kept by people, read and written by steps and agents (docs/decisions/0034)."""
