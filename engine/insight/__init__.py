"""Views of what happened, read from the journal and from nothing else."""
