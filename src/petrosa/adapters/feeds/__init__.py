"""What the live feeds of all venues share: connections that carry streams, their health, and where frames leave."""
