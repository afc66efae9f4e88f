"""The nouns. Everything here is a frozen value that anyone may hold and nobody may change."""
