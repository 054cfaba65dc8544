"""Start the servers that everybody sends to: Postfix's smtp-sink for speed, our own for what it offers.

All listen on loopback only, each in a process of its own.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from typing import NamedTuple

from .environments import OURS
from .environments import prepare
from .postfix import environment
from .postfix import program

_SERVE = Path(__file__).parent / "workers" / "serve.py"


class Server(NamedTuple):
    """A server that runs."""

    port: int
    #: A file with the certificate to trust; None without TLS.
    ca_file: str | None = None


@contextmanager
def plugin_server(**options: Any) -> Iterator[Server]:
    """Yield a server of our pytest plugin, with its options."""
    command = [str(prepare(OURS)), str(_SERVE), json.dumps(options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
        yield Server(**json.loads(line))


@contextmanager
def sink() -> Iterator[Server]:
    """Yield Postfix's smtp-sink, which answers at once and keeps nothing; our plugin's server without it."""
    found = program("smtp-sink")
    if found is None:
        with plugin_server() as server:
            yield server
        return
    port = _free_port()
    # Postfix programs insist on leaving the rights of root behind.
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([found, *user, f"127.0.0.1:{port}", "128"], env=environment()) as process:
        try:
            _wait_for(port)
            yield Server(port)
        finally:
            process.terminate()


def sink_name() -> str:
    """Return what :func:`sink` starts, for the tables."""
    return "Postfix's smtp-sink" if program("smtp-sink") else "aiosmtpd, as there is no smtp-sink,"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    """Return when somebody listens on the port.

    :raises OSError: nobody does within ten seconds.
    """
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return
