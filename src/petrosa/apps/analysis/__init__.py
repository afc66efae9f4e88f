"""Technical analysis over stored bars: what is read, what is remembered, what is waited for, and who turns it."""
