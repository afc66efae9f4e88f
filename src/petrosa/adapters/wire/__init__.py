"""Our own messages as they cross a wire."""
