"""What became of rings between two looks → alerts that arrive at least once under one key, and are never said twice by us."""
