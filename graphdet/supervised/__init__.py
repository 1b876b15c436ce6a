"""Inputs and labels → calibrated chances: trees over aggregates, a network over messages, and the rank average of the two."""
