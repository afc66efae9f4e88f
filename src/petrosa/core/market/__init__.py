"""State built from market events: what a symbol looks like now, and a little of how it came to look so."""
