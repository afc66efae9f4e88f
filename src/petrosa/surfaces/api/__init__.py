"""The read-only HTTP surface."""
