"""A venue's public market data, listened to for others: published on NATS, or written down."""
