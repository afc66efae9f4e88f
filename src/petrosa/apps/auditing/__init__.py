"""Keeping the audit: it follows the journal from a remembered place, so that nothing can be lost on the way."""
