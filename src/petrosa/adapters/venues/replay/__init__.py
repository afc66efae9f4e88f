"""A recorded market as a venue: raw frames in the order they were heard, and the facts made of them."""
