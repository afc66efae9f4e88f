"""What Binance tells of its past: over REST, and in the files of its public archive."""
