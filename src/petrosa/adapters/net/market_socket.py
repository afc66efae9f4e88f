"""A connection for public market data: by picows where there is picows, else by aiohttp."""

from petrosa.adapters.net.websocket import Wire


async def dial(url: str) -> Wire:
    """Raises `RateLimited` where the venue says that we come too often, `TransportError` for everything else."""
    try:
        from petrosa.adapters.net import picows_socket
    except ImportError:
        from petrosa.adapters.net import aiohttp_socket

        return await aiohttp_socket.dial_alone(url)
    return await picows_socket.dial(url)
