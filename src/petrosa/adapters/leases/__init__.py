"""Who may send for an account: one process at a time."""
