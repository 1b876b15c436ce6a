"""Codes and numbers → English and Chinese, once, for terminal, report, notes and exports."""
