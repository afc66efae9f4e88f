"""Small JSON documents: configuration and its history, watchlists, audit."""
