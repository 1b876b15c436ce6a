"""Rings of one run ↔ rings of the runs before: what is the same ring, what grew, split, merged, slept, came back, or left the window."""
