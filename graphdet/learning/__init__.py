"""Signals, rings and labels → scores and embeddings by networks and trees; the only room that imports torch."""
