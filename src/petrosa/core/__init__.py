"""The pure core: one event in, decisions out. No clock, no socket, no file, no thread, no logging."""
