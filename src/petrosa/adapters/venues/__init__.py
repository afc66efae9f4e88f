"""Venues: one folder each, the same file names everywhere; a missing file is a missing capability."""
