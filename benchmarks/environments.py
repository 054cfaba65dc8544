"""The peers, each in an environment of its own under build/benchmarks, from the package index.

Knows what is installed where, and not what is measured.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "benchmarks"


class Peer(NamedTuple):
    """A program to measure."""

    #: What the tables call it.
    title: str
    #: The module of ``workers/`` that drives it.
    worker: str
    #: What pip installs for it.
    requirements: tuple[str, ...]
    #: The distributions of it whose versions the tables tell.
    distributions: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its environment is: another one for other requirements or another Python."""
        wanted = hashlib.sha256(repr((self.requirements, sys.version)).encode()).hexdigest()[:8]
        return BUILD / f"{self.title.lower().replace(' ', '-')}-{wanted}"

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


OURS = Peer("ours", "flask_mail_worker", ("--editable", f"{ROOT}[pytest]"), ("Flask", "Flask-Mail"))
BASE = Peer("Flask-Mail 0.10.0", "flask_mail_worker", ("flask-mail==0.10.0",))
"""What the goals are ratios to."""

OLDER = Peer("Flask-Mail 0.9.1", "flask_mail_worker", ("flask-mail==0.9.1",))
MAILMAN = Peer("Flask-Mailman", "flask_mailman_worker", ("flask-mailman",), ("Flask-Mailman",))
DJANGO = Peer("Django", "django_worker", ("django",), ("Django",))
AIOSMTPLIB = Peer("aiosmtplib", "aiosmtplib_worker", ("aiosmtplib",), ("aiosmtplib",))
SMTPLIB = Peer("smtplib, ready bytes", "smtplib_worker", ())
SOCKET = Peer("socket, ready bytes", "socket_worker", ())

WRITERS = (OURS, BASE, OLDER, MAILMAN, DJANGO, AIOSMTPLIB)
"""Who builds messages."""

SENDERS = (*WRITERS, SMTPLIB)
"""Who sends them one by one."""


@cache
def prepare(peer: Peer) -> Path:
    """Return the Python of an environment that has the peer, with the same Flask as ours."""
    ready = peer.folder / "ready"
    if not ready.exists():
        print(f"Installing {peer.title}", file=sys.stderr)
        venv.create(peer.folder, with_pip=True, clear=True)
        same = [] if peer == OURS else ["--constraint", str(_constraints())]
        install = [str(peer.python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *same]
        if peer.requirements:
            subprocess.run([*install, *peer.requirements], check=True)
        ready.touch()
    return peer.python


@cache
def versions(peer: Peer) -> dict[str, str]:
    """Return the version of each distribution in the environment of the peer, by its name in lower case."""
    command = [str(prepare(peer)), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pairs = (line.partition("==") for line in listed.splitlines())
    return {name.lower(): version for name, _, version in pairs if name.lower() not in ("pip", "setuptools")}


def machine() -> str:
    """Return what is measured on, in a line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"


def _constraints() -> Path:
    """Return a file of what Flask and its like are in our environment."""
    names = ("flask", "werkzeug", "blinker", "pytest", "aiosmtpd")
    path = BUILD / "constraints.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}=={versions(OURS)[name]}\n" for name in names))
    return path
