"""graphdet: finds organised fraud rings in shop and marketplace logs."""

__version__ = "0.1.0"
