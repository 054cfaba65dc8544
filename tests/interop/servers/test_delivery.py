"""Postfix, Exim and OpenSMTPD deliver a message octet for octet, and are understood when they refuse one."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from flask_mail import Message

# Those that can do TLS here (see etc/smtpd.conf) are also those that offer SMTPUTF8.
WITH_TLS = WITH_SMTPUTF8 = pytest.mark.parametrize("running_server", ["postfix", "exim"], indirect=True)
SUBMISSION = pytest.mark.parametrize("service", ["submission", "submissions"])
PIXEL = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\x06\0\0\0\x1f\x15\xc4\x89"
    b"\0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\r\xefF\xb8\0\0\0\0IEND\xaeB`\x82"
)
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


def write(*attached, **fields):
    """Return a message to Ann; fields say what is other than plain."""
    message = Message(
        **{"subject": "Hello", "recipients": ["ann@real.test"], "body": "Hello Ann\n", **fields}
    )
    for data, filename in attached:
        message.attach(filename, data=data)
    return message


def write_with_image():
    """Return a message whose html shows an image that it carries."""
    message = write()
    message.html = f'<p>Look: <img src="{message.embed(PIXEL, filename="pixel.png")}" alt="a pixel"></p>'
    return message


SHAPES = {
    "text": write,
    "no body": lambda: write(body=""),
    "html and text": lambda: write(html="<p>Hello <b>Ann</b></p>"),
    "html alone": lambda: write(body=None, html="<p>Hello <b>Ann</b></p>"),
    "not ASCII": lambda: write(
        subject="Grüße, 漢字 😀", body="Grüße\n漢字 😀\n", sender=("Jürgen", "me@x.org")
    ),
    "attachments": lambda: write((b"1,2\n", "report.csv"), (bytes(range(256)), "Übersicht.bin")),
    "inline image": write_with_image,
    "calendar": lambda: write(html="<p>Come!</p>", alts={"calendar; method=REQUEST": CALENDAR}),
    "long lines": lambda: write(body="x" * 998 + "\n" + "y" * 5000 + "\n", html="<p>" + "é" * 3000 + "</p>"),
    "long header": lambda: write(
        subject="word " * 300, extra_headers={"List-Unsubscribe": f"<https://x/{'a' * 900}>"}
    ),
    "leading dots": lambda: write(body=".\n..\n.hidden\n\n.\n"),
    "ends with a dot": lambda: write(body="Hello\n."),
    "no end of line": lambda: write(body="Hello"),
    "lone line ends": lambda: write(body="one\rtwo\nthree\r\nfour\n.\rfive\r.\n"),
    "From at the start of a line": lambda: write(
        body="From Ann\n>From Bob\n\nFrom eve@x.org Mon Jan  1 00:00:00 2024\n"
    ),
    "blank lines at the end": lambda: write(body="Hello\n\n\n  \n\n"),
    "what ends a message elsewhere": lambda: write(
        (b"\n.\nMAIL FROM:<eve@x.org>\n.\r\n", "a.txt"), body="\n.\r\n\r.\r"
    ),
    "1 MB": lambda: write((bytes(range(256)) * 4096, "large.bin")),
}


def stored(receipt):
    """Return the content as it lies in a maildir: every line ends, with LF alone."""
    return receipt.envelope.content.replace(b"\r\n", b"\n").removesuffix(b"\n") + b"\n"


@pytest.mark.parametrize("write_shape", SHAPES.values(), ids=SHAPES)
def test_what_is_sent_is_delivered(real_server, write_shape):
    """A message of each shape lies in the mailbox as it was sent, below the trace headers of the server."""
    receipt = real_server.make_mail().send(write_shape())

    assert real_server.wait_for("ann") == [stored(receipt)]
    assert receipt.sent
    assert receipt.refused == {}


def test_bcc_is_delivered_but_not_shown(real_server):
    """Recipients of To, Cc and Bcc all receive the same, and Bcc is not in it."""
    mail = real_server.make_mail()

    mail.send(write(cc=["bob@real.test"], bcc=["Eve <eve@real.test>"]))

    [delivered] = real_server.wait_for("eve")
    assert [delivered] == real_server.wait_for("ann") == real_server.wait_for("bob")
    assert b"eve@real.test" not in delivered


def test_a_batch_arrives_complete(real_server):
    """Twenty messages over one connection are delivered once each."""
    mail = real_server.make_mail()

    with mail.connect() as connection:
        receipts = [connection.send(write(subject=f"Number {number}")) for number in range(20)]

    assert sorted(real_server.wait_for("ann", 20)) == sorted(map(stored, receipts))


def test_a_refused_recipient_among_others(real_server):
    """A recipient that the server does not know is in the receipt, and the others get the message."""
    mail = real_server.make_mail()

    receipt = mail.send(write(recipients=["ann@real.test", "nemo@real.test", "bob@real.test"]))

    assert [(address, reply.code) for address, reply in receipt.refused.items()] == [("nemo@real.test", 550)]
    assert receipt.accepted == ["ann@real.test", "bob@real.test"]
    assert real_server.wait_for("ann") == real_server.wait_for("bob") == [stored(receipt)]


def test_after_a_message_that_nobody_may_get(real_server):
    """A message that is refused for all its recipients is an error, and the connection takes the next one."""
    mail = real_server.make_mail()

    with mail.connect() as connection:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            connection.send(write(recipients=["nemo@real.test"]))
        receipt = connection.send(write())

    assert caught.value.recipients["nemo@real.test"][0] == 550
    assert real_server.wait_for("ann") == [stored(receipt)]


def test_after_a_message_that_is_too_large(real_server):
    """A message over the server's limit is an error with its answer, and the next one is delivered."""
    mail = real_server.make_mail()

    with mail.connect() as connection:
        with pytest.raises(smtplib.SMTPResponseException) as caught:
            connection.send(write((bytes(2_000_000), "huge.bin")))
        receipt = connection.send(write())

    assert caught.value.smtp_code in {552, 554}
    assert real_server.wait_for("ann") == [stored(receipt)]


def test_a_server_of_others_relays_nothing(real_server):
    """A recipient elsewhere is refused: these servers have no way out."""
    mail = real_server.make_mail()

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mail.send(write(recipients=["ann@example.org"]))


@pytest.mark.parametrize("return_path", ["bounces@example.org", "<>"])
def test_the_return_path(real_server, return_path):
    """Any return path is accepted, that of a message without bounces included."""
    mail = real_server.make_mail()

    receipt = mail.send(write(envelope_from=return_path))

    assert real_server.wait_for("ann") == [stored(receipt)]


@WITH_TLS
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", None])
@SUBMISSION
def test_signed_in_over_tls(real_server, service, mechanism):
    """STARTTLS and implicit TLS, with the certificate verified, and a sign-in by each mechanism, deliver."""
    mail = real_server.make_mail(service, MAIL_AUTH=mechanism)

    with mail.connect() as connection:
        receipts = [connection.send(write(subject=f"Number {number}")) for number in range(3)]

    assert sorted(real_server.wait_for("ann", 3)) == sorted(map(stored, receipts))


@WITH_TLS
def test_cram_md5(real_server):
    """A sign-in that does not show the password delivers."""
    mail = real_server.make_mail("submission", MAIL_AUTH="CRAM-MD5")

    receipt = mail.send(write())

    assert real_server.wait_for("ann") == [stored(receipt)]


@WITH_TLS
def test_starttls_without_sign_in(real_server):
    """TLS without a sign-in delivers where the server wants none."""
    mail = real_server.make_mail(MAIL_USE_TLS=True)

    receipt = mail.send(write())

    assert real_server.wait_for("ann") == [stored(receipt)]


@WITH_TLS
@SUBMISSION
def test_a_wrong_password(real_server, service):
    """A wrong password is an error that says so, and nothing is delivered."""
    mail = real_server.make_mail(service, MAIL_PASSWORD="guess")

    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        mail.send(write())

    assert caught.value.smtp_code == 535
    assert not real_server.has_mailbox("ann")


@WITH_TLS
@SUBMISSION
def test_an_authority_that_is_not_trusted(real_server, service):
    """A certificate of an authority that is not trusted is an error, and nothing is delivered."""
    mail = real_server.make_mail(service, MAIL_TLS_CA_FILE=None)

    with pytest.raises(ssl.SSLCertVerificationError, match="is not trusted"):
        mail.send(write())

    assert not real_server.has_mailbox("ann")


@WITH_TLS
def test_a_sign_in_that_is_missing(real_server):
    """A server that wants a sign-in refuses the message of an application that has none."""
    mail = real_server.make_mail("submission", MAIL_USERNAME=None, MAIL_PASSWORD=None)

    with pytest.raises(smtplib.SMTPException) as caught:
        mail.send(write())

    assert not isinstance(caught.value, smtplib.SMTPServerDisconnected)
    assert not real_server.has_mailbox("ann")


@WITH_SMTPUTF8
def test_an_address_beyond_ascii(real_server):
    """A server that offers SMTPUTF8 delivers to an address whose part before the @ is not ASCII."""
    mail = real_server.make_mail()

    receipt = mail.send(write(recipients=["jürgen@real.test"], subject="Grüße"))

    assert real_server.wait_for("jürgen") == [stored(receipt)]


@pytest.mark.parametrize("running_server", ["opensmtpd"], indirect=True)
def test_an_address_beyond_ascii_without_smtputf8(real_server):
    """Without SMTPUTF8 the error names the address, and the connection takes the next message."""
    mail = real_server.make_mail()

    with mail.connect() as connection:
        with pytest.raises(smtplib.SMTPNotSupportedError, match="jürgen@real"):
            connection.send(write(recipients=["jürgen@real.test"]))
        receipt = connection.send(write())

    assert real_server.wait_for("ann") == [stored(receipt)]
