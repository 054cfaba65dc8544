"""Clients that others wrote, each a function that sends one message, and a server for them.

`make interop` fetches them. The tests of a client that is not there are skipped, with what to do about it.
Each verifies the server's certificate for the name `localhost` against the server's authority.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import smtplib
import ssl
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_flask_mail import SMTPServer

HERE = Path(__file__).parent
FETCHED = HERE.parents[1] / "build" / "interop"
DEBIAN = FETCHED / "debian"
PLACES = [str(Path(sys.executable).parent), str(DEBIAN / "usr/bin"), os.environ["PATH"]]
TIMEOUT = 20
"""Seconds after which a client gives up: far more than any takes."""

# All headers that a client might add, dots to be stuffed, and octets over 127.
MAIL = (
    "From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Hello\r\n"
    "Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    "\r\n.\r\n..dots\r\n\r\nGrüße\r\n"
).encode()


class Failed(Exception):
    """What a client of the command line said when it could not send."""


@dataclass(frozen=True)
class Delivery:
    """What a client has to do."""

    host: str
    port: int
    tls: str | None
    ca_file: str | None
    mechanism: str | None
    user: str | None
    secret: str | None
    sender: str
    recipients: list[str]
    content: bytes

    @property
    def mail_options(self):
        """SMTPUTF8 if an address needs it, for the clients that do not see that themselves."""
        return [] if "".join([self.sender, *self.recipients]).isascii() else ["SMTPUTF8"]


def read_delivery(server, **details):
    """Return what to do to deliver through the server, signed in as its first user unless told otherwise."""
    config = server.config
    return Delivery(
        **{
            "host": "localhost",
            "port": config["MAIL_PORT"],
            "ca_file": config["MAIL_TLS_CA_FILE"],
            "user": config["MAIL_USERNAME"],
            "secret": config["MAIL_PASSWORD"] or config["MAIL_OAUTH2_TOKEN"],
            "sender": "ann@example.org",
            "recipients": ["bob@example.org"],
            "content": MAIL,
            **details,
        }
    )


def send_with_smtplib(delivery):
    """Python's own client."""
    context = ssl.create_default_context(cafile=delivery.ca_file)
    kind, options = smtplib.SMTP, {}
    if delivery.tls == "implicit":
        kind, options = smtplib.SMTP_SSL, {"context": context}
    with kind(delivery.host, delivery.port, "me", timeout=TIMEOUT, **options) as client:
        if delivery.tls == "starttls":
            client.starttls(context=context)
        sign_in_with_smtplib(client, delivery)
        client.sendmail(delivery.sender, delivery.recipients, delivery.content, delivery.mail_options)


def sign_in_with_smtplib(client, delivery):
    """Sign in, if at all, with what the server offers. XOAUTH2 is the one that ``login`` does not know."""
    if delivery.mechanism == "XOAUTH2":
        bearer = f"user={delivery.user}\1auth=Bearer {delivery.secret}\1\1"
        client.ehlo()
        client.auth("XOAUTH2", lambda challenge=None: bearer)
    elif delivery.mechanism is not None:
        client.login(delivery.user, delivery.secret)


def send_with_aiosmtplib(delivery):
    """The client of asyncio."""
    aiosmtplib = pytest.importorskip("aiosmtplib", reason="aiosmtplib: pip install aiosmtplib")

    async def make_token():
        return delivery.secret

    takes_token = delivery.mechanism == "XOAUTH2"
    sending = aiosmtplib.send(
        delivery.content,
        sender=delivery.sender,
        recipients=delivery.recipients,
        mail_options=delivery.mail_options,
        hostname=delivery.host,
        port=delivery.port,
        local_hostname="me",
        timeout=TIMEOUT,
        use_tls=delivery.tls == "implicit",
        start_tls=delivery.tls == "starttls",
        tls_context=ssl.create_default_context(cafile=delivery.ca_file) if delivery.tls else None,
        username=delivery.user if delivery.mechanism else None,
        password=delivery.secret if delivery.mechanism and not takes_token else None,
        oauth_token_generator=make_token if takes_token else None,
    )
    asyncio.run(sending)


def send_with_swaks(delivery):
    """The SMTP test tool in Perl."""
    run_swaks(delivery)


def send_with_swaks_pipelining(delivery):
    """The same, told not to wait for replies."""
    run_swaks(delivery, "--pipeline")


def run_swaks(delivery, *more):
    """Send with swaks, which is told everything by options."""
    command = ["swaks", *more, "--server", delivery.host, "--port", str(delivery.port), "--helo", "me"]
    command += ["--from", delivery.sender, "--to", ",".join(delivery.recipients), "--data", "-"]
    if delivery.tls is not None:
        command += ["--tls-on-connect" if delivery.tls == "implicit" else "--tls"]
        command += ["--tls-verify", "--tls-ca-path", delivery.ca_file, "--tls-sni", delivery.host]
    if delivery.mechanism is not None:
        command += ["--auth", delivery.mechanism]
        command += ["--auth-user", delivery.user, "--auth-password", delivery.secret]
    # swaks ends what it is given with one more end of line.
    run(command, delivery.content.removesuffix(b"\r\n"), "apt-get install swaks libnet-ssleay-perl")


def send_with_msmtp(delivery):
    """The sendmail that only relays. It pipelines wherever that is offered."""
    command = ["msmtp", f"--host={delivery.host}", f"--port={delivery.port}", "--domain=me"]
    command += [f"--from={delivery.sender}", f"--timeout={TIMEOUT}"]
    if delivery.tls is not None:
        command += ["--tls=on", f"--tls-starttls={'off' if delivery.tls == 'implicit' else 'on'}"]
        command += [f"--tls-trust-file={delivery.ca_file}"]
    if delivery.mechanism is not None:
        command += [f"--auth={delivery.mechanism.lower()}", f"--user={delivery.user}"]
        command += [f"--passwordeval=echo {delivery.secret}"]
    run([*command, "--", *delivery.recipients], delivery.content, "apt-get install msmtp")


def send_with_nodemailer(delivery):
    """The client of Node.js."""
    if not (FETCHED / "node_modules/nodemailer").exists():
        pytest.skip("nodemailer: make interop")
    authority = Path(delivery.ca_file).read_text("ascii") if delivery.ca_file else None
    content = base64.b64encode(delivery.content).decode()
    job = {**vars(delivery), "authority": authority, "content": content}
    run(["node", str(HERE / "nodemailer.js"), str(FETCHED)], json.dumps(job).encode(), "make interop")


def run(command, given, remedy):
    """Run the client, which ends well or raises Failed with all that it said."""
    program = shutil.which(command[0], path=os.pathsep.join(PLACES))
    if program is None:
        pytest.skip(f"{command[0]}: {remedy}")
    done = subprocess.run(
        [program, *command[1:]], input=given, capture_output=True, timeout=TIMEOUT, env=make_environment()
    )
    if done.returncode != 0:
        raise Failed((done.stdout + done.stderr).decode(errors="replace"))


def make_environment():
    """Return the environment in which what was only unpacked finds its libraries."""
    libraries = [str(path) for path in DEBIAN.glob("usr/lib/*-linux-gnu*")]
    modules = [str(path) for path in [*DEBIAN.glob("usr/lib/*/perl5/*"), DEBIAN / "usr/share/perl5"]]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries), "PERL5LIB": ":".join(modules)}


CLIENTS = {
    "smtplib": send_with_smtplib,
    "aiosmtplib": send_with_aiosmtplib,
    "swaks": send_with_swaks,
    "swaks-pipelining": send_with_swaks_pipelining,
    "msmtp": send_with_msmtp,
    "nodemailer": send_with_nodemailer,
}


@pytest.fixture(params=["smtplib", "aiosmtplib", "swaks", "msmtp", "nodemailer"])
def client(request):
    """The name of a client: each, unless the test names those that can do what it is about."""
    return request.param


@pytest.fixture
def serve():
    """Return a function that starts a server with these options."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(SMTPServer(**options))


@pytest.fixture
def deliver(client):
    """Return a function that sends one message with the client."""

    def deliver(server, tls=None, mechanism=None, **details):
        CLIENTS[client](read_delivery(server, tls=tls, mechanism=mechanism, **details))

    return deliver


@pytest.fixture
def content():
    """The bytes of the message that is delivered."""
    return MAIL
