"""What is known: facts about entities, each with where it is known from and what was believed when (docs/decisions/0040)."""
