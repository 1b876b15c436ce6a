"""Rings and the whole log → what dossiers need of it once the logs are gone."""
