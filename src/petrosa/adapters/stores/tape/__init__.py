"""What a desk heard, byte for byte, in the one order in which it heard it."""
