"""Rows put on shelves by their keys, so that equal keys meet: in memory while they are few, else on disk.

What does not fit in memory is written to temporary files that have no name and are gone when they are closed.
"""

import zlib
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Final, Generic, TypeVar

import msgspec

__all__ = ["SHELVES", "Shelves"]

R = TypeVar("R", bound=msgspec.Struct)

SHELVES: Final = 32
"""Each may be an open file, and some systems allow a process 256."""
_LENGTH_BYTES: Final = 4
_SPOOL_BYTES: Final = 256 * 1024
"""What a shelf keeps in memory: 32 shelves of three sources and of pairs are 32 MiB, whatever comes."""

_encoder = msgspec.msgpack.Encoder()


class Shelves(Generic[R]):
    """Rows of one kind on `SHELVES` shelves.

    Args:
        kind: What the rows are.
    """

    def __init__(self, kind: type[R]) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._files = [
            SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - `take` and `close` give it back
            for _ in range(SHELVES)
        ]
        self._buffer = bytearray(_LENGTH_BYTES)

    def put(self, key: str, row: R) -> None:
        """Put a row on the shelf of its key."""
        buffer = self._buffer
        _encoder.encode_into(row, buffer, _LENGTH_BYTES)
        buffer[:_LENGTH_BYTES] = (len(buffer) - _LENGTH_BYTES).to_bytes(_LENGTH_BYTES, "little")
        # A checksum, since the hash of a text is another one in every process.
        self._files[zlib.crc32(key.encode("utf-8", "surrogatepass")) % SHELVES].write(buffer)

    def take(self, shelf: int) -> Iterator[R]:
        """Go through the rows of one shelf, once; what it took is given back."""
        with self._files[shelf] as file:
            file.seek(0)
            while length := file.read(_LENGTH_BYTES):
                yield self._decode(file.read(int.from_bytes(length, "little")))

    def close(self) -> None:
        """Give back whatever is left."""
        for file in self._files:
            file.close()
