"""The only place where a vendor library may be imported: venues, buses, stores, and our own messages on the wire."""
