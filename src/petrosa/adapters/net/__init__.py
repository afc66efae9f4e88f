"""Parts that several venues call: signatures, limits of rate."""
