"""A run folder → one ring's small log, grown and judged again with something taken away."""
