"""What was promised, tried from outside: real processes, and nothing but the contract."""
