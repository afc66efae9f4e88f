"""Figures of a market for people and strategies to look at: one calculator a file, none of them decides."""
