"""What lies between an opinion and a signal: edges, cooldowns, and the checks on both sides of the bus."""
