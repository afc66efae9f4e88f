"""What people and other programs see: read models, HTTP, terminal, command line. Nothing here decides."""
