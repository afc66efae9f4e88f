"""Composition roots: the only files that know everything. A service is one short file here."""
