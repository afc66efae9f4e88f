"""Strategies of closed bars: one file each."""
