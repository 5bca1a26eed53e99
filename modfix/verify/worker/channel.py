"""Messages over a socket: eight bytes of length, then JSON. File descriptors may travel with a message.

Whatever is needed later is bound now, before code of the project can replace `json.dumps` or `socket.socket`.
"""

from __future__ import annotations

import _socket
import array
import fcntl
from json import JSONDecoder, JSONEncoder
from typing import Any

_HEADER_BYTES = 8
_MAX_DESCRIPTORS = 8
_OUT_OF_REACH = 700  # above what `os.closerange(3, 256)` and the like close


class _Encoder(JSONEncoder):
    encode = JSONEncoder.encode
    iterencode = JSONEncoder.iterencode


class _Decoder(JSONDecoder):
    decode = JSONDecoder.decode
    raw_decode = JSONDecoder.raw_decode


encode = _Encoder(check_circular=False).encode  # a message as text
_decode = _Decoder().decode


class Channel:
    """One end of a connection. Messages are objects of JSON."""

    def __init__(self, descriptor: int) -> None:
        """Take over ``descriptor``, the number of an open stream socket."""
        self._socket = _socket.socket(fileno=descriptor)

    def fileno(self) -> int:
        """The file descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def send(self, message: dict[str, Any]) -> None:
        """Send ``message``; blocks until the other end has taken it.

        Raises:
            OSError: the other end is gone.
        """
        data = encode(message).encode()
        self._socket.sendall(len(data).to_bytes(_HEADER_BYTES, "big") + data)

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """The next message, and the file descriptors that came with it.

        Raises:
            EOFError: the other end is gone.
        """
        header, descriptors = self._receive_header()
        return _decode(self._read(int.from_bytes(header, "big")).decode()), descriptors

    def _receive_header(self) -> tuple[bytes, list[int]]:
        numbers = array.array("i")
        space = _socket.CMSG_SPACE(_MAX_DESCRIPTORS * numbers.itemsize)
        start, ancillary, _, _ = self._socket.recvmsg(_HEADER_BYTES, space)
        if not start:
            raise EOFError
        for level, kind, data in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
        return start + self._read(_HEADER_BYTES - len(start)), list(numbers)

    def _read(self, count: int) -> bytes:
        chunks = bytearray()
        while len(chunks) < count:
            chunk = self._socket.recv(min(count - len(chunks), 1 << 20))
            if not chunk:
                raise EOFError
            chunks += chunk
        return bytes(chunks)


def move_out_of_reach(descriptor: int) -> int:
    """Move ``descriptor`` to a high number that new programs do not inherit, and return that."""
    try:
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _OUT_OF_REACH)
    except (OSError, ValueError):  # above the limit of open files
        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    Channel(descriptor).close()
    return moved
