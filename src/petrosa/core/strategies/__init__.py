"""Opinions about the market. A strategy is one small file and one line of the catalogue."""
