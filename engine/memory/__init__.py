"""What an agent knows beyond the conversation: facts, rules, episodes and how they are found again."""
