"""One client's TCP connection: unencrypted, then perhaps encrypted, closed in order or reset.

Knows nothing of commands or replies. Runs in the event loop's thread.
Rules: RFC 3207 (STARTTLS), RFC 9293 section 3.10.5 (ABORT).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys

from .._certificates import asked_name
from .._records import TLS
from .input_buffer import ClientLeft
from .input_buffer import InputBuffer

# Closing a socket that lingers for no time resets the connection: RST instead of FIN.
NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Connection:
    """The sending side of one client's connection; what the client sends is in the input buffer."""

    def __init__(self, transport: asyncio.Transport, buffer: InputBuffer) -> None:
        self._transport = self._plain = transport
        self._buffer = buffer
        #: Whether a handshake began, however it ended.
        self.has_tls_begun: bool = False
        buffer.connect(transport)

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the client."""
        address: tuple[str, int] = self._plain.get_extra_info("peername")[:2]
        return address

    def write(self, sent: bytes) -> None:
        """Send the bytes, unless the client is gone."""
        if not self._transport.is_closing():
            self._transport.write(sent)

    def abort(self) -> None:
        """Close the socket at once, without a closing handshake, under TLS too."""
        self._plain.abort()

    def reset(self) -> None:
        """Close the socket at once, so that the client sees an error."""
        client = self._plain.get_extra_info("socket")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._plain.abort()

    async def close(self) -> None:
        """Close the connection in order, even while a pipelining client is still sending."""
        try:
            if self._buffer.unread and self._transport.can_write_eof() and not self._transport.is_closing():
                # Closed with unread bytes, the connection would be reset instead.
                self._transport.write_eof()
                await self._buffer.ignore()
        except ClientLeft:
            pass
        finally:
            self._transport.close()

    async def encrypt(self, protocol: asyncio.Protocol, context: ssl.SSLContext) -> TLS:
        """Return how the connection is encrypted from now on.

        :raises ClientLeft: the client has closed the connection.
        :raises OSError: the handshake failed.
        """
        if self._buffer.is_over or self._transport.is_closing():
            raise ClientLeft
        # No byte of the handshake has been read: asyncio reads no more before the next step of its loop.
        self.has_tls_begun = True
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._plain, protocol, context, server_side=True)
        # asyncio returns None if the connection was lost right after the handshake.
        if transport is None:
            raise ConnectionResetError("the client disconnected")
        self._transport = transport
        self._buffer.connect(transport)
        return describe_tls(transport.get_extra_info("ssl_object"))


def describe_tls(connection: ssl.SSLObject) -> TLS:
    """Return what a handshake agreed on."""
    return TLS(connection.version() or "", (connection.cipher() or ("",))[0], asked_name(connection))
