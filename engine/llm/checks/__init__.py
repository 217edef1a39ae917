"""What can be checked of an answer without asking anybody: its grounds, its tone, and what it tells of people."""
