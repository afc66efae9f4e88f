"""Petrosa: a trading system that can say why."""

__version__ = "0.1.0"
