"""Events, visits and pair evidence → named columns of nodes, one file a signal."""
