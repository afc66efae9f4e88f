"""From permission to position: orders and their fates, what is held, and the stops and targets that rest behind it."""
