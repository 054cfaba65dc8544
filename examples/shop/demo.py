"""A demo of the shop: ``python -m shop.demo`` sends email to a real SMTP server, and shows what arrived.

Both servers run in this process and listen on 127.0.0.1. The browser is ``urllib``. The exit status is 0 if
every message arrived as expected.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from email.message import EmailMessage
from threading import Thread
from urllib.parse import urlencode
from urllib.parse import urljoin
from urllib.request import build_opener
from urllib.request import ProxyHandler
from urllib.request import Request

from flask import Flask
from werkzeug.serving import make_server
from werkzeug.serving import WSGIRequestHandler

from pytest_flask_mail import SMTPServer
from pytest_flask_mail.server import ReceivedMail

from . import create_app

EXPECTED = {
    "Confirm your address": 1,
    "Thanks": 1,
    "Invoice #12": 1,
    "Blue mugs are back": 5,
    "Your export is ready": 1,
}
HEADINGS = ("FROM", "TO", "SUBJECT", "PARTS", "SIZE", "TLS")
SECONDS = 10


def main() -> int:
    """Return the exit status."""
    with SMTPServer(tls="starttls", auth=("shop", "secret")) as server:
        app = create_app(server.config)
        with serve(app) as url:
            print(f"The shop is at {url}, its SMTP server at port {app.config['MAIL_PORT']}.\n")
            go_shopping(url, server)
        emails, sessions = server.mails, len(server.sessions)
    print_table([HEADINGS, *map(row, emails)])
    print(f"\n{len(emails)} emails in {sessions} SMTP sessions; sizes are in bytes as transmitted.")
    return report(faults(app, emails))


@contextmanager
def serve(app: Flask) -> Iterator[str]:
    """Serve the app in a thread, and return its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    app.config["SHOP_URL"] = f"http://127.0.0.1:{server.server_port}"
    try:
        yield app.config["SHOP_URL"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class QuietHandler(WSGIRequestHandler):
    """Does not log requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def go_shopping(url: str, server: SMTPServer) -> None:
    """Do what customers and the owner do in a day."""
    visit(url, "/signup", email="ann@example.com", name="Ann Ångström")
    visit(first_link(server.mails[0]))
    visit(url, "/orders/12/pay", number="12")
    visit(url, "/newsletter", subject="Blue mugs are back", text="All of them hold coffee.")
    visit(url, "/export", format="csv")
    # A thread sends the export. If a message does not arrive, the faults name it.
    with suppress(TimeoutError):
        server.wait_for_mail(sum(EXPECTED.values()), timeout=SECONDS)


def visit(url: str, path: str = "", **form: str) -> None:
    """Open a page, or send a form.

    :raises urllib.error.HTTPError: the request failed.
    """
    request = Request(urljoin(url, path), data=urlencode(form).encode() if form else None)
    # A proxy from the environment would be used for 127.0.0.1, too.
    with build_opener(ProxyHandler({})).open(request, timeout=SECONDS) as answer:
        print(f"{request.get_method():4} {urljoin(url, path).partition('?')[0]}: {answer.status}")


def first_link(mail: ReceivedMail) -> str:
    """Return the first URL in the plain text of a message."""
    [link, *_] = re.findall(r"https?://\S+", text_of(mail.mime))
    return str(link)


def text_of(mime: EmailMessage) -> str:
    """Return the plain text of a message."""
    body = mime.get_body(("plain",))
    return str(body.get_content()) if body else ""


def row(mail: ReceivedMail) -> tuple[str, ...]:
    """Return the cells of one message: its envelope and its content."""
    first, *others = mail.envelope.rcpt_tos
    to = f"{first} (+{len(others)})" if others else first
    subject = str(mail.mime["Subject"])
    tls = mail.tls.version if mail.tls else "none"
    return mail.envelope.mail_from, to, subject, parts(mail.mime), str(len(mail.raw)), tls


def parts(mime: EmailMessage) -> str:
    """Return the types of the texts and the names of the attachments: ``plain+html, terms.pdf``."""
    leaves = [part for part in mime.walk() if not part.is_multipart()]
    texts = "+".join(part.get_content_subtype() for part in leaves if not part.get_filename())
    return ", ".join([texts, *(str(part.get_filename()) for part in leaves if part.get_filename())])


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print a table; each column is as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for cells in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def faults(app: Flask, emails: Sequence[ReceivedMail]) -> list[str]:
    """Return what is not as expected."""
    subjects = [str(mail.mime["Subject"]) for mail in emails]
    found = [
        f"{subject!r} arrived {subjects.count(subject)} times, not {times}"
        for subject, times in EXPECTED.items()
        if subjects.count(subject) != times
    ]
    found += [
        f"{subject!r} was not encrypted"
        for subject, mail in zip(subjects, emails, strict=True)
        if not mail.tls
    ]
    if not app.extensions["shop"].customers["ann@example.com"].is_confirmed:
        found.append("the link in the email did not confirm the address")
    return found


def report(found: Sequence[str]) -> int:
    """Print the faults and return the exit status."""
    for fault in found:
        print(f"Fault: {fault}.", file=sys.stderr)
    if not found:
        print("Everything arrived.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
