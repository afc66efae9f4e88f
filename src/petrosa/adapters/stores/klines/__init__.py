"""History of a venue: closed bars, funding rates, trades and known gaps, in a file or on a server."""
