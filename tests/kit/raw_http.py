"""A host on loopback that answers with the very bytes it is told, from a thread of its own, and keeps what it heard."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence

TIMEOUT_S = 10.0


def ok(body: str = "{}", head: str = "", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n{body}".encode()


class RawHost:
    """Each request gets the next script: bytes to send; None hangs up without a word, and so does one after the last.

    Bytes that are not a whole answer are followed by the end of the connection.
    """

    def __init__(self, scripts: Sequence[bytes | None]) -> None:
        self._scripts = list(scripts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard: list[str] = []
        self.connections = 0
        self.arrived = threading.Event()
        """A whole request has come."""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            # A thread that waits for the next connection hears of it only so.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(TIMEOUT_S)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while self._scripts:
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection, contextlib.suppress(ConnectionError):
                    connection.settimeout(TIMEOUT_S)
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        while self._scripts:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                part = connection.recv(65_536)
                if not part:
                    return
                request += part
            self.heard.append(request.decode())
            self.arrived.set()
            script = self._scripts.pop(0)
            if script is None:
                return
            connection.sendall(script)
            head, _, body = script.partition(b"\r\n\r\n")
            if b"Content-Length: %d" % len(body) not in head:
                return


@contextlib.contextmanager
def raw_host(*scripts: bytes | None) -> Iterator[RawHost]:
    host = RawHost(scripts)
    try:
        yield host
    finally:
        host.close()


def closed_port() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as once:
        return f"http://127.0.0.1:{once.getsockname()[1]}"
