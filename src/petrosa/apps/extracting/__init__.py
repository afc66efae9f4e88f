"""`petrosa extract`: the venue's history into our store, whole, and kept whole."""
