"""Grown rings and their log → facts, significance, innocent explanations, objections, and a tier."""
