"""Events → pair evidence and its permutation null."""
