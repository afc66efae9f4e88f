"""A market that nobody recorded: frames of it are made as they are asked for."""
