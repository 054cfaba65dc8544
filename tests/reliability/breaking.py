"""An SMTP server that breaks once, at one point of the conversation, and knows what it has accepted.

Written for itself and by hand, with blocking sockets: what it has accepted is the truth that the verdicts
of the client are held against.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from contextlib import contextmanager
from contextlib import suppress
from typing import NamedTuple

#: What can go wrong where an answer is due. After the first group the server goes on as if it had answered.
ANSWERED = ("garbage", "huge", "bytes", "extra")
REFUSED = ("4xx", "5xx")
ENDED = ("421", "fin", "rst", "hang", "drip")
FAULTS = (*ANSWERED, *REFUSED, *ENDED)
#: Closing a socket that lingers for no time resets the connection: RST instead of FIN.
NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Fault(NamedTuple):
    """What breaks: the ``number``-th time, from 1 on, that the phase is come to."""

    phase: str
    kind: str
    number: int = 1


class _Ended(Exception):
    """The conversation is over."""


class Breaker:
    """A server on a port of loopback."""

    def __init__(self, extensions=(), fault=None, tls=None, refused=()):
        self.extensions = extensions
        self.tls = tls
        #: Subjects of messages whose recipients are all refused.
        self.refused = refused
        #: The subjects of the messages accepted, once for each time.
        self.accepted = []
        #: How often the fault was met.
        self.met = 0
        self._fault = fault
        self._lock = threading.Lock()
        self._times = {}
        self._stopping = threading.Event()
        self._sockets = []
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    @contextmanager
    def running(self):
        """Serve within the block; no thread and no socket is left afterwards."""
        listening = threading.Thread(target=self._listen)
        listening.start()
        try:
            yield self
        finally:
            self._stopping.set()
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            listening.join()
            for sock in self._sockets:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            for thread in self._threads:
                thread.join()

    def wait_for_the_end(self):
        """Wait until no client is left, so that what has arrived is accepted or not."""
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a client has kept its connection"

    def _listen(self):
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._sockets.append(sock)
                thread = threading.Thread(target=self._converse, args=(sock,))
                thread.start()
                self._threads.append(thread)

    def _converse(self, sock):
        conversation = _Conversation(self, sock)
        with suppress(_Ended, OSError):
            conversation.run()
        with suppress(OSError):
            conversation.sock.close()

    def kind_at(self, phase):
        """Return what breaks here and now; None if nothing does."""
        with self._lock:
            self._times[phase] = self._times.get(phase, 0) + 1
            if self._fault is None or (phase, self._times[phase]) != (self._fault.phase, self._fault.number):
                return None
            self.met += 1
            return self._fault.kind

    def wait_a_little(self):
        """Let a moment pass, unless the server is to stop."""
        if self._stopping.wait(0.02):
            raise _Ended


class _Conversation:
    """One client."""

    def __init__(self, server, sock):
        self.server = server
        self.sock = sock
        self._buffer = b""
        self._extensions = [*server.extensions, *(["STARTTLS"] if server.tls else [])]
        self._recipients = None
        self._position = 0
        self._is_astray = False

    def run(self):
        """Talk until one side has enough."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self.say("CONNECT", b"220 breaker\r\n")
        while True:
            verb, _, argument = self.line().partition(b" ")
            getattr(self, f"do_{verb.upper().decode()}")(argument)

    def do_EHLO(self, argument):
        lines = [b"breaker", *(one.encode() for one in self._extensions)]
        head = b"".join(b"250-%s\r\n" % line for line in lines[:-1])
        self.say("EHLO", head + b"250 %s\r\n" % lines[-1])

    def do_HELO(self, argument):
        self.say("HELO", b"250 breaker\r\n")

    def do_STARTTLS(self, argument):
        kind = self.server.kind_at("STARTTLS")
        self.perform(kind, b"220 go\r\n")
        if kind in (None, "bytes"):
            # The handshake for itself: where it fails, it is this socket that is to be closed.
            wrap = self.server.tls.wrap_socket
            self.sock = wrap(self.sock, server_side=True, do_handshake_on_connect=False)
            self.sock.do_handshake()
            self._extensions.remove("STARTTLS")
        elif kind not in REFUSED:
            raise _Ended  # no client goes on after such an answer

    def do_AUTH(self, argument):
        self.say("AUTH", b"235 welcome\r\n")

    def do_RSET(self, argument):
        self._recipients = None
        self.say("RSET", b"250 2.0.0 reset\r\n")

    def do_QUIT(self, argument):
        self.say("QUIT", b"221 bye\r\n")
        raise _Ended

    def do_MAIL(self, argument):
        if self._recipients is not None:
            self.send(b"503 nested\r\n")
        elif self.say("MAIL", b"250 2.1.0 sender\r\n"):
            self._recipients, self._position = [], 0

    def do_RCPT(self, argument):
        if self._recipients is None:
            self.send(b"503 no sender\r\n")
            return
        self._position += 1
        if b"nobody" in argument:
            self.send(b"550 5.1.1 nobody\r\n")
        elif self.say(f"RCPT-{self._position}", b"250 2.1.5 recipient\r\n"):
            self._recipients.append(argument)

    def do_DATA(self, argument):
        if not self._recipients:
            self.send(b"503 no recipients\r\n")
        elif self.say("DATA", b"354 go\r\n"):
            content = self.content(lambda: b"\r\n.\r\n" in self._buffer)
            self.judge(content and content.partition(b"\r\n.\r\n")[0])

    def do_BDAT(self, argument):
        size = int(argument.split()[0])
        if not self._recipients:
            while len(self._buffer) < size:
                self.more()
            self._buffer = self._buffer[size:]
            self.send(b"503 no recipients\r\n")
            return
        content = self.content(lambda: len(self._buffer) >= size, size)
        self.judge(content)

    def content(self, is_whole, size=None):
        """Return the content, or None if the server broke half-way through it."""
        while len(self._buffer) < 500 and not is_whole():
            self.more()
        kind = self.server.kind_at("HALF-WAY")
        is_lost = kind is not None and kind not in ("bytes", "extra")
        if kind is not None:
            self.perform(kind, b"250 early\r\n" if kind == "extra" else b"")
        while not is_whole():
            self.more()
        end = size if size is not None else self._buffer.index(b"\r\n.\r\n") + 5
        content, self._buffer = self._buffer[:end], self._buffer[end:]
        if is_lost:
            self._recipients = None
            return None
        return content

    def judge(self, content):
        """Accept the message unless the answer to it is a refusal."""
        self._recipients = None
        if content is None:
            return
        subject = next(line for line in content.split(b"\r\n") if line.startswith(b"Subject: "))[9:].decode()
        kind = self.server.kind_at("BODY")
        if kind not in REFUSED and kind != "421":
            self.server.accepted.append(subject)
        after = self.server.kind_at("BETWEEN")
        if kind is None and after is not None:
            # In one write with the answer, so that it is there when the next message begins.
            self.perform(after, b"250 unasked\r\n" if after == "extra" else b"", b"250 2.0.0 accepted\r\n")
        else:
            self.perform(kind, b"250 2.0.0 accepted\r\n")

    def say(self, phase, answer):
        """Answer, or break; return whether the client is to think that all is well."""
        kind = self.server.kind_at(phase)
        self.perform(kind, answer)
        return kind not in REFUSED

    def perform(self, kind, answer, before=b""):
        """Send ``before``, and break in this way where the answer was due."""
        if kind is None or (not answer and kind == "bytes"):
            self.send(before + answer)
        elif kind == "bytes":
            for octet in answer:
                self.send(bytes([octet]))
        elif kind in ("fin", "rst"):
            self.send(before)
            self.end(kind)
        elif kind == "hang":
            self.send(before)
            self.wait_for_the_end()
        elif kind == "drip":
            self.send(before)
            self.drip()
        else:
            self.send(before + self.bad_answer(kind, answer))
            if kind == "421":
                self.end("fin")

    @staticmethod
    def bad_answer(kind, answer):
        """Return what is sent in the place of the answer."""
        return {
            "4xx": b"451 4.3.0 later\r\n",
            "5xx": b"550 5.0.0 never\r\n",
            "421": b"421 4.3.2 enough\r\n",
            "garbage": b"\x00\xfe?!\r\n",
            "huge": b"250-" + b"\r\n250-".join([b"x" * 500] * 2000) + b"\r\n250 x\r\n",
            "extra": answer + b"250 unasked\r\n",
        }[kind]

    def end(self, kind):
        """Close the connection."""
        if kind == "rst":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        raise _Ended

    def wait_for_the_end(self):
        """Say nothing until the client has gone."""
        while True:
            self.more()

    def drip(self):
        """Send an answer that is not over in any time."""
        self.send(b"250-")
        while True:
            self.server.wait_a_little()
            self.send(b"x")

    def send(self, octets):
        """Send what is there to send."""
        if octets:
            self.sock.sendall(octets)

    def line(self):
        """Return the next line."""
        while b"\r\n" not in self._buffer:
            self.more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def more(self):
        """Read what the client has sent."""
        octets = self.sock.recv(65_536)
        if not octets:
            raise _Ended
        self._buffer += octets


def server_context(authority):
    """Return what a server of this authority encrypts with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context
