"""Sources outside the venue: what they say becomes readings. One file a source, one part that speaks HTTP."""
