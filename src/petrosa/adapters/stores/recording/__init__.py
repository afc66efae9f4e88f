"""A recording as it is written: segments of raw frames, and beside them the manifest that says what they are."""
