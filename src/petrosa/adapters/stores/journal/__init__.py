"""The memory of a run: append-only, hash-chained, checkpointed segments of JSON lines in one folder."""
