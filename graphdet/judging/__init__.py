"""Grown rings and their log → facts, significance, innocent explanations, doubts, and a tier."""
