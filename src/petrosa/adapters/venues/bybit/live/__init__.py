"""Bybit live: its public streams, its rules, and its quotes as readings."""
