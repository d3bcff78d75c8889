"""A head without end, or none at all, does not hold memory or a connection."""

import socket

import pytest

from helpers_bad_input import Houses

MANY = 64 * 1024 * 1024
"""More than all buffers on the way hold together, however far the system lets them grow."""


@pytest.mark.parametrize(
    ("begin", "repeated"),
    [
        (b"GET /", b"x" * 1024),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"x" * 1024),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-Some: header\r\n" * 64),
        (b"POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}GET /", b"x" * 1024),
        (b"POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x" * 1024),
    ],
    ids=["address", "one header", "many headers", "the second request", "trailer"],
)
def test_a_head_without_end_is_cut_off(houses: Houses, begin: bytes, repeated: bytes) -> None:
    with socket.create_connection(("127.0.0.1", houses.ports["gateway"]), timeout=2) as connection:
        connection.sendall(begin)
        with pytest.raises(ConnectionError):
            connection.sendall(repeated * (MANY // len(repeated)))
    assert len(houses.new_lines()) <= 2
