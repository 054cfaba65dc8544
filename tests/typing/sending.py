"""The public names of flask_mail as an application uses them, read by type checkers and never run.

A name that users may import and that is not used here is not known to be typed. Add it.
"""

from __future__ import annotations

import logging
import smtplib
import warnings
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from typing_extensions import assert_type

from flask_mail import AddressError
from flask_mail import Attachment
from flask_mail import BadHeaderError
from flask_mail import ConfigError
from flask_mail import ConfigWarning
from flask_mail import Connection
from flask_mail import DeliveryUnknown
from flask_mail import email_dispatched
from flask_mail import email_failed
from flask_mail import Envelope
from flask_mail import FlaskMailUnicodeDecodeError
from flask_mail import force_text
from flask_mail import IncompleteMessage
from flask_mail import is_transient
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError
from flask_mail import Outcome
from flask_mail import Outgoing
from flask_mail import Receipt
from flask_mail import Reply
from flask_mail import sanitize_address
from flask_mail import sanitize_addresses
from flask_mail import sanitize_subject
from flask_mail import signals
from flask_mail import SMTPTimeout
from flask_mail import Verdict

logger = logging.getLogger(__name__)
app = Flask(__name__)
unbound = Mail()
unbound.init_app(app)
mail = Mail(app)


def write() -> Message:
    """Every parameter of a message, by name."""
    return Message(
        subject="Your order",
        recipients=["ann@example.com", ("Bob", "bob@example.com"), Address("Eve", "eve", "example.com")],
        body="Thank you.",
        html="<p>Thank you.</p>",
        alts={"text/calendar; method=REQUEST": "BEGIN:VCALENDAR"},
        sender=("Shop", "shop@example.com"),
        cc="carl@example.com",
        bcc=None,
        attachments=[Attachment("terms.txt", "text/plain", "Terms")],
        reply_to=["help@example.com"],
        date=1.5,
        charset="utf-8",
        extra_headers={"X-Order": "12"},
        mail_options=["BODY=8BITMIME"],
        rcpt_options=["NOTIFY=NEVER"],
        message_id="<12@example.com>",
        envelope_from="bounce@example.com",
    )


def write_in_the_order_of_0_10() -> Message:
    """The same parameters by position."""
    return Message("Hi", ["ann@example.com"], "text", "<p>html</p>", None, "shop@example.com", [], [], [])


def change(message: Message) -> None:
    """Attributes and methods of a message."""
    message.subject = "Hello"
    message.recipients = ["ann@example.com"]
    message.body = message.html = None
    message.sender = ("Shop", "shop@example.com")
    message.add_recipient("ann@example.com")
    message.add_recipient(("Ann", "ann@example.com"))
    message.attach("a.bin", "application/byte-stream", b"a", "inline", {"Content-ID": "<a>"})
    message.attach(data=BytesIO(b"a"))
    message.attach(data=EmailMessage())
    message.attachments.append(Attachment(data="text"))
    message.attach_file("terms.pdf")
    message.attach_file(Path("terms.pdf"), content_type="application/pdf", filename="Terms.pdf")
    message.list_unsubscribe(url="https://example.com/bye", mailto="bye@example.com", one_click=True)


def read(message: Message) -> None:
    """What a message tells."""
    assert_type(message.embed(b"\x89PNG", filename="logo.png", content_type="image/png"), str)
    assert_type(message.embed(Path("logo.png"), cid="logo"), str)
    everyone: set[Any] = message.send_to
    logger.info("goes to %d", len(everyone))
    assert_type(message.message_id, str)
    assert_type(message.msgId, str)
    assert_type(message.copy(), Message)
    assert_type(message.to_dict(), dict[str, Any])
    assert_type(Message.from_dict(message.to_dict()), Message)
    assert_type(Message.from_mime(EmailMessage()), Message)
    assert_type(message.as_bytes(), bytes)
    assert_type(message.as_string(), str)
    assert_type(message.has_bad_headers(), bool)


def send(message: Message) -> Receipt:
    """Every way to send one message, or many."""
    assert_type(mail.send(message), Receipt)
    assert_type(mail.send_message("Hi", recipients=["ann@example.com"], body="text"), Receipt)
    with mail.connect() as connection:
        assert_type(connection, Connection)
        assert_type(connection.send(message, envelope_from="bounce@example.com"), Receipt)
        assert_type(connection.send_message("Hi", recipients=["ann@example.com"]), Receipt)
    with unbound.connect(max_emails=10) as connection:
        message.send(connection)
    return mail.send(message, envelope_from="bounce@example.com")


def read_receipt(receipt: Receipt) -> None:
    """What a receipt tells."""
    assert_type(receipt.message_id, str)
    assert_type(receipt.sent, bool)
    assert_type(receipt.envelope, Envelope)
    assert_type(receipt.refused, dict[str, Reply])
    assert_type(receipt.reply, Reply | None)
    assert_type(receipt.error, Exception | None)
    mail_from, rcpt_tos, content, mail_options, rcpt_options = receipt.envelope
    assert_type(mail_from, str)
    assert_type(rcpt_tos, list[str])
    assert_type(content, bytes)
    assert_type(mail_options, list[str])
    assert_type(rcpt_options, list[str])
    for address, (code, text) in receipt.refused.items():
        logger.info("%s refused: %d %s", address, code, text)


def record(message: Message) -> None:
    """Recording and suppressing."""
    with mail.record_messages() as outbox:
        assert_type(outbox, list[Message])
    with mail.suppressed():
        mail.send(message)


def handle(message: Message) -> str:
    """Each error, under the names that callers may know it by."""
    try:
        mail.send(message)
    except IncompleteMessage as error:
        first: AssertionError = error
        return str(first)
    except (AddressError, BadHeaderError) as error:
        second: MessageError = error
        return str(second)
    except SMTPTimeout as error:
        third: TimeoutError = error
        return str(third)
    except DeliveryUnknown as error:
        fourth: smtplib.SMTPServerDisconnected = error
        return str(fourth)
    except ConfigError as error:
        fifth: RuntimeError = error
        return str(fifth)
    return ""


@email_dispatched.connect
def log_sent(app: Flask, message: Message, **extra: Any) -> None:
    """A receiver as 0.10 has it."""


@email_dispatched.connect_via(app)
def log_sent_by_shop(message: Message, app: Flask) -> None:
    """A receiver as 0.9 had it, for one application."""


@email_failed.connect
def log_failed(app: Flask, message: Message, error: Exception) -> None:
    """A receiver of what was not sent."""


def check_quietly(app: Flask) -> None:
    """The warning of a doubtful setting has a name of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConfigWarning)
        Mail().init_app(app)


def use_old_names(wire: bytes) -> str:
    """What 0.10 exports beside its classes."""
    signals.signal("order_shipped").send(app)
    assert_type(sanitize_subject("Hi"), str)
    assert_type(sanitize_address(("Ann", "ann@example.com")), str)
    assert_type(sanitize_addresses(["ann@example.com"]), list[str])
    try:
        return force_text(wire, errors="strict")
    except FlaskMailUnicodeDecodeError as error:
        decoding: UnicodeDecodeError = error
        return str(decoding)


def send_newsletter(messages: list[Message]) -> list[str]:
    """Many messages, and what became of those that did not arrive."""
    failed: list[str] = []
    for receipt in mail.send_many(messages, connections=2, window=16):
        assert_type(receipt, Receipt)
        if receipt.outcome == "unknown":
            logger.warning("%s may have arrived", receipt.message_id)
        elif receipt.error is not None and is_transient(receipt.error):
            failed.append(receipt.message_id)
    mail.close()
    return failed


class Relay:
    """A host that takes many messages at once."""

    def sendmail(
        self, mail_from: str, rcpt_tos: list[str], content: bytes, mail_options: Any, rcpt_options: Any
    ) -> dict[str, tuple[int, bytes]]:
        """Take one message."""
        return {}

    def send_window(self, items: Sequence[Outgoing]) -> list[Outcome]:
        """Take several."""
        return [Outcome(Verdict.ACCEPTED, reply=Reply(250, "OK")) for _ in items]

    def quit(self) -> None:
        """End."""
