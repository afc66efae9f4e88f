"""The live view: what is on the screen (`screen`), how it is drawn (`drawing`), and who redraws it (`live`)."""
