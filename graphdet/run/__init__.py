"""All of it → the run folder: its tables, scores, relations, and reading them again."""
