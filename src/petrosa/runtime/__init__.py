"""A desk in time: inbox, loop, outbox, clocks and supervision on asyncio, without any vendor."""
