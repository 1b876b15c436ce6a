"""The analyst's days: new log files in, a window kept, what changed and what waits, which rings to look at first, and lists for others."""
