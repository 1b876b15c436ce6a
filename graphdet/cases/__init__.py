"""Runs, verdicts and suppressions → one casebook: what was found, what people said of it, and until when; nothing in it is overwritten."""
