"""The parent's end of the worker's messages: eight bytes of length, then JSON; see `worker/channel.py`."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

Message = dict[str, object]

_HEADER_BYTES = 8
_CHUNK_BYTES = 1 << 18


class Connection:
    """A stream of messages. Reading never blocks where the caller has waited for the socket to be readable."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._received = bytearray()
        self.is_open = True  # false once the other end is gone

    @classmethod
    def pair(cls) -> tuple[Connection, socket.socket]:
        """A connection, and the socket at its other end to be handed over."""
        ours, theirs = socket.socketpair()
        return cls(ours), theirs

    def fileno(self) -> int:
        """The file descriptor, to wait for."""
        return self._stream.fileno()

    def close(self) -> None:
        """Close this end."""
        self.is_open = False
        self._stream.close()

    def interrupt(self) -> None:
        """Make it seem to whoever waits for it, in another thread, that the other end is gone."""
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)

    def send(self, message: Mapping[str, object], descriptors: Sequence[int] = ()) -> None:
        """Send ``message``, and open files with it.

        Raises:
            OSError: the other end is gone.
        """
        data = json.dumps(message).encode()
        header = len(data).to_bytes(_HEADER_BYTES, "big")
        if descriptors:
            socket.send_fds(self._stream, [header], descriptors)
        else:
            self._stream.sendall(header)
        self._stream.sendall(data)

    def receive(self, timeout_s: float) -> Message | None:
        """Wait for one message; None where the other end is gone.

        Raises:
            TimeoutError: none came in time.
        """
        self._stream.settimeout(timeout_s)
        try:
            while self.is_open:
                for message in self.read():
                    return message
        finally:
            self._stream.settimeout(None)
        return None

    def read(self) -> Iterator[Message]:
        """What one read of the socket completes. The end, or a connection that broke, makes ``is_open`` false."""
        try:
            data = self._stream.recv(_CHUNK_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            self.is_open = False
        self._received += data
        while len(self._received) >= _HEADER_BYTES:
            end = _HEADER_BYTES + int.from_bytes(self._received[:_HEADER_BYTES], "big")
            if len(self._received) < end:
                return
            content = bytes(self._received[_HEADER_BYTES:end])
            del self._received[:end]
            yield cast("Message", json.loads(content))

    def drain(self) -> Iterator[Message]:
        """What has arrived and was not read."""
        self._stream.setblocking(False)
        try:
            while self.is_open:
                yield from self.read()
        except BlockingIOError:
            return
        finally:
            self._stream.setblocking(True)
