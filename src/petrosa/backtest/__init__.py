"""A run without an event loop: recordings in, a summary and a journal out, and a journal turned again."""
