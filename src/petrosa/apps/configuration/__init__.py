"""The live configuration of strategies: declared once, stored with its history, applied while they run."""
