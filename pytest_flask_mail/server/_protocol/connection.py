"""One client's TCP connection: in the clear, then perhaps encrypted, closed in order or reset.

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
from .wire import ClientLeft
from .wire import Wire

# Closing a socket that lingers for no time resets the connection: RST instead of FIN.
NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Connection:
    """The way to one client; what comes from there is read from the wire."""

    def __init__(self, transport: asyncio.Transport, wire: Wire) -> None:
        self._transport = self._plain = transport
        self._wire = wire
        #: Whether a handshake began, however it ended.
        self.has_tls_begun: bool = False
        wire.connect(transport)

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
        """Close the socket now, without a goodbye, under TLS too."""
        self._plain.abort()

    def reset(self) -> None:
        """Close the socket now, and let the client see an error."""
        client = self._plain.get_extra_info("socket")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._plain.abort()

    async def close(self) -> None:
        """Close the connection in order, even if a pipelining client goes on sending."""
        try:
            if self._wire.unread and self._transport.can_write_eof() and not self._transport.is_closing():
                # Closed with bytes that nobody has read, the connection would be reset instead.
                self._transport.write_eof()
                await self._wire.ignore()
        except ClientLeft:
            pass
        finally:
            self._transport.close()

    async def encrypt(self, protocol: asyncio.Protocol, context: ssl.SSLContext) -> TLS:
        """Return how the connection is encrypted from now on.

        :raises ClientLeft: there is nobody to shake hands with.
        :raises OSError: the handshake failed.
        """
        if self._wire.is_over or self._transport.is_closing():
            raise ClientLeft
        # What begins here has not been read: asyncio reads no more before the next step of its loop.
        self.has_tls_begun = True
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._plain, protocol, context, server_side=True)
        # So asyncio says that the connection was lost right after the handshake.
        if transport is None:
            raise ConnectionResetError("the client left")
        self._transport = transport
        self._wire.connect(transport)
        return describe_tls(transport.get_extra_info("ssl_object"))


def describe_tls(connection: ssl.SSLObject) -> TLS:
    """Return what a handshake agreed on."""
    return TLS(connection.version() or "", (connection.cipher() or ("",))[0], asked_name(connection))
