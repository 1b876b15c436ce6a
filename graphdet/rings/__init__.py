"""Pair evidence → rings."""
