"""The commands, one small file a family: they read options and settings, call an app, and print what it returns."""
