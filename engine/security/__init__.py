"""What protects: passwords, tokens, secrets, audit, egress."""
