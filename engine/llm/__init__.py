"""Model calls: one bounded request in, one answer with its true cost out."""
