"""An end to bodies that never end, in servers that read them by blocking a thread."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from tiyin.runtime.forks import forget_after_fork

__all__ = ["SlowBodies"]

_LOOKS = 20


class SlowBodies:
    """Watches connections whose bodies are being read, and ends the reading of those that take too long.

    A read that blocks cannot be told to stop, and a caller who sends one byte every few seconds would hold
    its thread for ever. So the receiving half of his connection is shut: the read ends as if he had sent all
    that he wanted to send, and the answer still reaches him. One thread watches for the whole process, and
    only while a body is being read.

    Args:
        patience_s: How long a body may take, in seconds.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self.forget_parent()
        forget_after_fork(self)

    def forget_parent(self) -> None:
        """Begin anew in a child process: the watching thread has stayed with its parent."""
        self._guard = threading.Lock()
        self._reading: dict[int, tuple[float, socket.socket]] = {}
        self._watching = False

    @contextlib.contextmanager
    def watched(self, connection: object) -> Iterator[None]:
        """Watch a connection while its body is read inside the block.

        Args:
            connection: The socket; anything else is not watched.
        """
        if not isinstance(connection, socket.socket):
            yield
            return
        number = threading.get_ident()
        with self._guard:
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="payme-bodies", daemon=True).start()
            self._reading[number] = (time.monotonic() + self._patience_s, connection)
        try:
            yield
        finally:
            with self._guard:
                self._reading.pop(number, None)

    def _watch(self) -> None:
        while True:
            time.sleep(self._patience_s / _LOOKS)
            with self._guard:
                if not self._reading:
                    self._watching = False
                    return
                now_s = time.monotonic()
                late = [number for number, (end_s, _) in self._reading.items() if end_s <= now_s]
                for number in late:
                    _, connection = self._reading.pop(number)
                    with contextlib.suppress(OSError):
                        # Not the connection's own `shutdown`: for TLS the answer would go out in the clear.
                        socket.socket.shutdown(connection, socket.SHUT_RD)
