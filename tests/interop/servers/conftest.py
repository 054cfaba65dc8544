"""Mail servers that others wrote, each in a root folder of its own with its own users and a loopback address.

`make interop` fetches them. Only root may start them: they change their root folder, and over to their users.
None has a way to send mail on, nor a name server to ask. The folder ``etc`` holds their configuration.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable
from contextlib import contextmanager
from contextlib import ExitStack
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic
from time import sleep

import pytest
import trustme
from flask import Flask

from flask_mail import Mail

HERE = Path(__file__).parent
FETCHED = HERE.parents[2] / "build" / "interop" / "servers"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
PATIENCE = 30
"""Seconds after which a server is taken to be stuck: it starts, delivers and stops in far less than one."""

PORTS = {"smtp": 25, "submissions": 465, "submission": 587}
"""Optional STARTTLS and no sign-in; TLS from the first octet and sign-in; STARTTLS and sign-in."""

TRACE = re.compile(
    rb"\A(?:(?:Return-Path|Received|Delivered-To|X-Original-To):[^\n]*\n(?:[ \t][^\n]*\n)*)*", re.IGNORECASE
)
"""What a server adds at the top when it accepts and when it delivers (RFC 5321 section 4.4)."""


@dataclass(frozen=True)
class Product:
    """How a server is started."""

    #: Path, user and mode of each folder that its package would make when installed.
    folders: list[tuple[str, int, int]]
    #: The programs in the order in which they are started, each with what is there once the next may start.
    programs: list[tuple[list[str], Callable[[RealServer], bool]]]


def greets(server):
    """Whether the server can be connected to: all its ports are open before it starts to answer on one."""
    with socket.socket() as client:
        return client.connect_ex((server.address, PORTS["smtp"])) == 0


def has_sign_in(server):
    """Whether Dovecot listens where Postfix asks it."""
    return (server.root / "var/spool/postfix/private/auth").is_socket()


# As in etc/passwd.
POSTFIX, EXIM = 101, 102
POSTFIX_QUEUES = [
    *("active", "bounce", "corrupt", "defer", "deferred", "flush"),
    *("hold", "incoming", "private", "saved", "trace"),
]
PRODUCTS = {
    "postfix": Product(
        folders=[
            *((f"var/spool/postfix/{queue}", POSTFIX, 0o700) for queue in POSTFIX_QUEUES),
            ("var/spool/postfix/maildrop", POSTFIX, 0o730),
            ("var/spool/postfix/public", POSTFIX, 0o755),
            ("var/spool/postfix/pid", 0, 0o755),
            ("var/lib/postfix", POSTFIX, 0o700),
        ],
        programs=[
            (["/usr/sbin/dovecot", "-F"], has_sign_in),
            (["/usr/lib/postfix/sbin/master"], greets),
        ],
    ),
    "exim": Product(
        folders=[(path, EXIM, 0o750) for path in ("var/spool/exim4", "var/log/exim4", "run/exim4")],
        programs=[(["/usr/sbin/exim4", "-bdf", "-q1h"], greets)],
    ),
    "opensmtpd": Product(
        folders=[],
        programs=[(["/usr/sbin/smtpd", "-d"], greets)],
    ),
}
EVERYWHERE = [
    ("run", 0, 0o755),
    ("var/run", 0, 0o755),
    ("tmp", 0, 0o1777),
    ("mail", 0, 0o777),
    ("dev", 0, 0o755),
]


@dataclass(frozen=True)
class RealServer:
    """A server that runs."""

    name: str
    root: Path
    address: str

    def config(self, service="smtp", **more):
        """Return the settings of an application that sends by this service."""
        signed_in = {"MAIL_USERNAME": "shop", "MAIL_PASSWORD": "s3cret"}
        return {
            "MAIL_SERVER": self.address,
            "MAIL_PORT": PORTS[service],
            "MAIL_USE_TLS": service == "submission",
            "MAIL_USE_SSL": service == "submissions",
            "MAIL_TLS_CA_FILE": str(self.root / "ca.pem"),
            "MAIL_DEFAULT_SENDER": "shop@example.org",
            **({} if service == "smtp" else signed_in),
            **more,
        }

    def make_mail(self, service="smtp", **more):
        """Return the Mail of an application that sends by this service."""
        app = Flask("shop")
        app.config.update(self.config(service, **more))
        return Mail(app)

    def wait_for(self, mailbox, count=1):
        """Return what was delivered to the mailbox, without trace headers, once it is so many messages."""
        folder = self.root / "mail" / mailbox / "new"
        wait_until(lambda: folder.is_dir() and len(list(folder.iterdir())) >= count, self.root)
        return [TRACE.sub(b"", path.read_bytes()) for path in folder.iterdir()]

    def has_mailbox(self, mailbox):
        """Whether anything was ever delivered there."""
        return (self.root / "mail" / mailbox).exists()

    def empty(self):
        """Remove all that was delivered."""
        for path in (self.root / "mail").iterdir():
            shutil.rmtree(path)


def wait_until(is_true, root):
    """Return once it is true.

    :raises TimeoutError: it did not become true; the text has the end of the server's logs.
    """
    deadline = monotonic() + PATIENCE
    while not is_true():
        if monotonic() > deadline:
            raise TimeoutError(read_logs(root))
        sleep(0.01)


def read_logs(root):
    """Return the last lines of each file that the server has for its logs."""
    logs = [path for path in (root / "var/log").rglob("*") if path.is_file()]
    return "\n".join(line for log in logs for line in log.read_text("utf-8", "replace").splitlines()[-20:])


def lay_out(root, product, address, authority):
    """Make of the unpacked packages what their installation would, with the settings of the tests."""
    for path, user, mode in [*EVERYWHERE, *product.folders]:
        (root / path).mkdir(parents=True, exist_ok=True)
        (root / path).chmod(mode)
        os.chown(root / path, user, user)
    make_device(root / "dev/null", 3)
    make_device(root / "dev/urandom", 9)
    for path in (path for path in (HERE / "etc").rglob("*") if path.is_file()):
        write(root / path.relative_to(HERE), path.read_text("utf-8").replace("ADDRESS", address))
    certificate = authority.issue_cert(address)
    write(root / "etc/tls/key.pem", certificate.private_key_pem.bytes().decode(), 0o640)
    os.chown(root / "etc/tls/key.pem", 0, EXIM)  # which reads it as its user; the others read it as root
    write(root / "etc/tls/cert.pem", certificate.cert_chain_pems[0].bytes().decode())
    write(root / "ca.pem", authority.cert_pem.bytes().decode())


def make_device(path, minor):
    """Make one of the devices that all programs expect (Linux's devices.txt, major 1)."""
    os.mknod(path, stat.S_IFCHR, os.makedev(1, minor))
    path.chmod(0o666)


def write(path, text, mode=0o644):
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)


@contextmanager
def run_program(root, command):
    """Run a program in the root."""
    with (root / "var/log/output").open("ab") as log:
        process = subprocess.Popen(
            ["chroot", str(root), *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def kill_all_within(root):
    """End what the programs started and did not end themselves: whatever has its root folder in there."""
    for link in Path("/proc").glob("[0-9]*/root"):
        with suppress(OSError):
            if link.readlink().is_relative_to(root):
                os.kill(int(link.parent.name), signal.SIGKILL)


@contextmanager
def make_root():
    """Make a copy of what was fetched, which costs next to nothing as the files are shared."""
    root = Path(mkdtemp(prefix="root-", dir=FETCHED.parent)).resolve()
    try:
        subprocess.run(["cp", "--archive", "--link", f"{FETCHED}/.", str(root)], check=True)
        root.chmod(0o755)
        yield root
    finally:
        kill_all_within(root)
        shutil.rmtree(root)


def own_address(number):
    """Return a loopback address that no other test run on this machine uses: all have the usual ports."""
    pid = os.getpid()
    return f"127.{64 + number}.{pid >> 8 & 255}.{pid & 255}"


@contextmanager
def run_server(name, authority):
    """Run the server."""
    product, address = PRODUCTS[name], own_address(list(PRODUCTS).index(name))
    with make_root() as root, ExitStack() as programs:
        lay_out(root, product, address, authority)
        server = RealServer(name, root, address)
        for command, is_ready in product.programs:
            programs.enter_context(run_program(root, command))
            wait_until(lambda is_ready=is_ready: is_ready(server), root)
        yield server


@pytest.fixture(scope="session")
def authority():
    """Who signs the certificates."""
    return trustme.CA()


@pytest.fixture(scope="session", params=PRODUCTS)
def running_server(request, authority):
    """Each server in turn, for all tests."""
    if not FETCHED.exists():
        pytest.skip("Postfix, Exim and OpenSMTPD: make interop, where there is apt-get")
    if os.geteuid() != 0:
        pytest.skip(
            "Postfix, Exim and OpenSMTPD change their root folder and their user: only root can start them"
        )
    with run_server(request.param, authority) as server:
        yield server


@pytest.fixture
def real_server(running_server):
    """A server that others wrote, with nothing delivered yet: each test waits for all that it sends."""
    running_server.empty()
    return running_server
