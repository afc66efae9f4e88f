"""`petrosa extract`, inside one loop."""
