"""Events → visits: who was where and when, what was usual for them, and the permuted log."""
