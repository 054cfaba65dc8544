"""The receipt: what became of one message."""

from __future__ import annotations

import logging
import smtplib
from contextlib import suppress

import pytest

from flask_mail import Connection
from flask_mail import Envelope
from flask_mail import Mail
from flask_mail import Message
from flask_mail import Receipt
from flask_mail import Reply

EVERYBODY = ["ann@example.org", "bob@example.org", "carl@example.org"]


def test_sent(server, mail, message):
    """A message that was accepted: its id, its envelope, the server's answer."""
    receipt = mail.send(message)

    assert receipt.sent is True
    assert receipt.message_id == message.message_id
    assert receipt.reply == Reply(250, "2.0.0 Received")
    assert (receipt.refused, receipt.error) == ({}, None)
    assert receipt.accepted == ["ann@example.org"]


def test_the_envelope_is_what_the_server_heard(server, mail):
    """The envelope has the addresses and the very bytes that were sent."""
    receipt = mail.send(
        Message(
            "Hi",
            ["Ann <ann@example.org>"],
            "Hello.\n",
            bcc=["eve@example.org"],
            envelope_from="bounce@example.org",
        )
    )

    heard = server.mails[0].envelope
    assert isinstance(receipt.envelope, Envelope)
    assert receipt.envelope[:3] == (heard.mail_from, heard.rcpt_tos, heard.content)


@pytest.mark.parametrize("way", ["send", "send_message"])
def test_of_a_mail(server, mail, message, way):
    """mail.send and mail.send_message return one."""
    receipt = {
        "send": lambda: mail.send(message),
        "send_message": lambda: mail.send_message("Hi", EVERYBODY),
    }[way]()

    assert isinstance(receipt, Receipt)


def test_of_a_connection(server, mail, message):
    """connection.send and connection.send_message return one a message."""
    with mail.connect() as connection:
        receipts = [connection.send(message), connection.send_message("Again", ["bob@example.org"])]

    assert [receipt.envelope.rcpt_tos for receipt in receipts] == [["ann@example.org"], ["bob@example.org"]]


def test_some_refused(server, mail, caplog):
    """Who was refused is in the receipt with code and text, and in the log; the others have the message."""
    server.on("RCPT", match="bob@*").reply("550 5.1.1 No such user")

    receipt = mail.send(Message("Hi", EVERYBODY))

    assert receipt.sent is True
    assert receipt.refused == {"bob@example.org": Reply(550, "5.1.1 No such user")}
    assert receipt.accepted == ["ann@example.org", "carl@example.org"]
    assert server.mails[0].envelope.rcpt_tos == ["ann@example.org", "carl@example.org"]
    assert caplog.record_tuples == [
        (
            "flask_mail",
            logging.WARNING,
            f"The mail server refused the recipient bob@example.org of {receipt.message_id}:"
            " 550 5.1.1 No such user",
        )
    ]


def test_a_partly_refused_message_was_sent(server, mail, dispatched, failed):
    """A message that some receive is announced as sent."""
    server.on("RCPT", match="bob@*").reply(550)

    mail.send(Message("Hi", EVERYBODY))

    assert (len(dispatched), len(failed)) == (1, 0)


def test_all_refused(server, mail, failed):
    """A message that nobody receives is an error, with the answer to each address."""
    server.on("RCPT").reply("550 5.1.1 No such user")

    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        mail.send(Message("Hi", EVERYBODY))

    assert caught.value.recipients == dict.fromkeys(EVERYBODY, (550, b"5.1.1 No such user"))
    assert [error for _, _, error in failed] == [caught.value]


def test_refused_in_another_language(server, mail):
    """A server's text beyond ASCII is read as UTF-8."""
    server.on("RCPT", match="bob@*").reply("550 Unbekannter Empfänger")

    assert mail.send(Message("Hi", EVERYBODY)).refused["bob@example.org"].text == "Unbekannter Empfänger"


def test_suppressed(suppressed, message):
    """A suppressed send succeeds, so that a program takes the same path in tests as in production."""
    receipt = suppressed.send(message)

    assert (receipt.sent, receipt.outcome) == (True, "suppressed")
    assert (receipt.error, receipt.reply, receipt.refused) == (None, None, {})
    assert receipt.accepted == receipt.envelope.rcpt_tos == ["ann@example.org"]


def test_failed_silently(unreachable, message):
    """With MAIL_FAIL_SILENTLY, a server that cannot be reached is in the receipt."""
    receipt = unreachable(MAIL_FAIL_SILENTLY=True).send(message)

    assert receipt.sent is False
    assert isinstance(receipt.error, ConnectionRefusedError)
    assert receipt.accepted == []


@pytest.mark.parametrize("greeting", ["421 Too busy", "554 Go away"])
def test_a_server_that_takes_nobody_fails_silently(server, mail_to, message, greeting):
    """With MAIL_FAIL_SILENTLY, a server that refuses the connection counts as one that cannot be reached."""
    server.on("CONNECT").reply(greeting)

    receipt = mail_to(server, MAIL_FAIL_SILENTLY=True).send(message)

    assert isinstance(receipt.error, smtplib.SMTPConnectError)


@pytest.mark.parametrize(
    "options, settings",
    [
        ({"auth": ("user", "right")}, {"MAIL_PASSWORD": "wrong"}),
        ({}, {"MAIL_USE_TLS": True}),
        ({}, {"MAIL_USE_SSL": True}),
        ({"tls": "implicit", "cert": "expired"}, {}),
    ],
    ids=["wrong-password", "no-starttls", "no-tls", "bad-certificate"],
)
def test_wrong_settings_do_not_fail_silently(serve, mail_to, message, options, settings):
    """A server that was reached and does not agree with the settings raises, silence or not."""
    mail = mail_to(serve(**options), MAIL_FAIL_SILENTLY=True, **settings)

    with pytest.raises(OSError):
        mail.send(message)


def test_a_batch_fails_silently_for_each(unreachable, message, two, failed):
    """With MAIL_FAIL_SILENTLY each message of a batch has its own receipt and its own announcement."""
    with unreachable(MAIL_FAIL_SILENTLY=True).connect() as connection:
        receipts = [connection.send(message), connection.send(two)]

    assert [receipt.sent for receipt in receipts] == [False, False]
    assert [found for _, found, _ in failed] == [message, two]


def test_a_server_that_comes_back(server, mail_to, message, two):
    """With MAIL_FAIL_SILENTLY the next message of a batch tries the server again."""
    server.on("CONNECT", nth=1).reply(421)

    with mail_to(server, MAIL_FAIL_SILENTLY=True).connect() as connection:
        server.on("CONNECT", nth=1, optional=True).reply(421)
        receipts = [connection.send(message), connection.send(two)]

    assert [receipt.sent for receipt in receipts] == [False, True]
    assert receipts[1].error is None


def test_repr_is_short(suppressed):
    """What is printed of a receipt leaves the content out."""
    receipt = suppressed.send(Message("Hi", ["ann@example.org"], "Private words."))

    assert "Private" not in repr(receipt)
    assert receipt.message_id in repr(receipt)


class Forwarding(Message):
    """A message with a ``send`` of old, which returns nothing."""

    def send(self, connection):
        connection.send(self)


class Swallowing(Message):
    """A message whose ``send`` lets no error out."""

    def send(self, connection):
        with suppress(OSError):
            connection.send(self)


class Posting(Message):
    """A message that is sent in another way, as by the programming interface of a provider."""

    def send(self, connection):
        return None


class Audited(Message):
    """A message of which somebody else is told, whatever becomes of it."""

    def send(self, connection):
        with suppress(OSError):
            connection.send(self)
        connection.send(Message("A letter went out", ["audit@example.org"]))


class Signed(Message):
    """A message in whose place another one goes out; what is returned is no receipt."""

    def send(self, connection):
        connection.send(Message(self.subject, ["first@example.org"]))
        connection.send(Message(self.subject, ["last@example.org"]))
        return True


WAYS = {
    "send": lambda mail, message: mail.send(message),
    "send_many": lambda mail, message: next(mail.send_many([message])),
}
each_way = pytest.mark.parametrize("send", WAYS.values(), ids=WAYS.keys())


class TestOverriddenSend:
    """A ``send`` that returns nothing, as those written for Flask-Mail 0.10 do."""

    @each_way
    def test_it_sends_over_the_connection(self, server, mail, send):
        """The receipt is that of the sending."""
        receipt = send(mail, Forwarding("Hi", ["ann@example.org"]))

        assert receipt.outcome == "accepted"
        assert receipt.accepted == server.mails[0].envelope.rcpt_tos
        assert receipt.envelope.content

    @each_way
    def test_it_swallows_a_refusal(self, server, mail, send):
        """The receipt is that of the sending, though nothing was raised."""
        server.on("RCPT").reply(550)

        receipt = send(mail, Swallowing("Hi", ["ann@example.org"]))

        assert (receipt.sent, receipt.outcome) == (False, "refused")
        assert receipt.envelope.rcpt_tos == ["ann@example.org"]

    @each_way
    def test_it_sends_a_second_message(self, server, mail, send):
        """The receipt is that of the message itself, not of what was sent after it."""
        server.on("RCPT", "ann@example.org").reply(550)

        receipt = send(mail, Audited("Hi", ["ann@example.org"]))

        assert [mail.envelope.rcpt_tos for mail in server.mails] == [["audit@example.org"]]
        assert (receipt.sent, receipt.outcome) == (False, "refused")
        assert receipt.envelope.rcpt_tos == ["ann@example.org"]

    @each_way
    def test_it_sends_others_in_its_place(self, server, mail, send):
        """The receipt is that of the last message in its place; what is no receipt counts for nothing."""
        receipt = send(mail, Signed("Hi", ["ann@example.org"]))

        assert receipt.outcome == "accepted"
        assert receipt.envelope.rcpt_tos == ["last@example.org"]

    @each_way
    def test_it_sends_in_another_way(self, server, mail, send):
        """What became of the message is unknown, which is no error."""
        message = Posting("Hi", ["ann@example.org"])

        receipt = send(mail, message)

        assert (receipt.outcome, receipt.error, receipt.message_id) == ("unknown", None, message.msgId)
        assert (receipt.sent, receipt.accepted) == (False, [])

    def test_of_a_connection(self, server, make_app):
        """An override of Connection.send is answered for in the same way."""

        class Direct(Connection):
            """A connection that counts what it sends."""

            def send(self, message, envelope_from=None):
                super().send(message, envelope_from)

        class DirectMail(Mail):
            """A Mail with that connection."""

            def connect(self):
                return Direct(self.state)

        receipt = DirectMail(make_app(**server.config)).send(Message("Hi", ["ann@example.org"]))

        assert receipt.outcome == "accepted"


def test_envelopes_of_failures_are_not_shared(mail):
    """What is done to the envelope of one message that could not be written is not done to another."""
    one, other = mail.send_many([Message("No recipients"), Message("None here")])

    one.envelope.rcpt_tos.append("eve@example.org")

    assert other.envelope.rcpt_tos == []


@pytest.mark.parametrize(
    "returned, reply",
    [
        ({"bob@example.org": "no such roof"}, Reply(-1, "no such roof")),
        ({"bob@example.org": None}, Reply(-1, "None")),
    ],
    ids=["text", "nothing"],
)
def test_a_refusal_that_is_no_reply(make_app, returned, reply):
    """A host that accepted the message and says strange things of a recipient does not cost the receipt."""

    class Strange:
        """A host of an application."""

        def sendmail(self, *envelope):
            return returned

        def quit(self):
            return None

    mail = Mail(make_app(MAIL_BACKEND=lambda settings: Strange()))

    receipt = mail.send(Message("Hi", ["ann@example.org", "bob@example.org"]))

    assert (receipt.sent, receipt.refused) == (True, {"bob@example.org": reply})
