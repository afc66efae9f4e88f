"""A desk on a real venue: its key, its account, its market, and what stops it by itself."""
