"""One message over one session: what the server hears, and what becomes of the session after an error."""

from __future__ import annotations

import logging
import smtplib
import time

import pytest

from flask_mail import DeliveryUnknown
from flask_mail import Message
from flask_mail._smtp.framing import data_pieces
from flask_mail._smtp.opening import open_smtp

smtp_logger = logging.getLogger("flask_mail.smtp")
ENVELOPE = ("me@example.org", ["ann@example.org"], b"Subject: Hi\r\n\r\nHello.\r\n")


@pytest.fixture
def session(mail, cleanup):
    """An open session with ``server``."""
    session = open_smtp(mail.state.snapshot())
    cleanup.callback(session.quit)
    return session


class TestOffers:
    """What the server says it can do."""

    @pytest.mark.parametrize(
        "answer",
        [
            b"250 x\r\n",
            b"250-x says hello to [127.0.0.1]\r\n250-SIZE 1000\r\n250-8bitmime\r\n250 AUTH PLAIN LOGIN\r\n",
            b"250-x\r\n250-AUTH=LOGIN PLAIN\r\n250-AUTH CRAM-MD5\r\n250 PIPELINING \r\n",
            b"250-x\r\n250-\xff\xfe\r\n250-=?\r\n250- X-Y z\r\n250 X-A  b  c\r\n",
        ],
        ids=["nothing", "usual", "old-style", "nonsense"],
    )
    def test_it_is_read_as_ever(self, script, mail_to, cleanup, answer):
        """The answer to EHLO is read as the standard library reads it."""
        server = script({"EHLO": answer})
        session = open_smtp(mail_to(server).state.snapshot())
        cleanup.callback(session.quit)
        other = smtplib.SMTP("127.0.0.1", server.config["MAIL_PORT"], "x", timeout=5)
        cleanup.callback(other.close)
        other.ehlo()

        assert session.ehlo() == (250, other.ehlo_resp)
        assert session.esmtp_features == other.esmtp_features

    def test_each_session_has_its_own(self, session, mail, cleanup):
        """What is crossed off in one session is still there in the next with the same server."""
        session.ehlo()
        session.esmtp_features.clear()
        second = open_smtp(mail.state.snapshot())
        cleanup.callback(second.quit)

        second.ehlo()

        assert second.has_extn("size")


class TestContent:
    """The content between DATA and the final dot."""

    @pytest.mark.parametrize(
        "content, sent",
        [
            (b"Hi\r\n", b"Hi\r\n.\r\n"),
            (b"Hi", b"Hi\r\n.\r\n"),
            (b"", b"\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"a\r\n.b\r\n..c", b"a\r\n..b\r\n...c\r\n.\r\n"),
            (b"a\n.\nb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\r.\rb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\n.\r\nQUIT\r\n", b"a\r\n..\r\nQUIT\r\n.\r\n"),
            (b"a\r\r\n\n.", b"a\r\n\r\n\r\n..\r\n.\r\n"),
            (b"a.b\r\nc.\r\n", b"a.b\r\nc.\r\n.\r\n"),
        ],
        ids=[
            "plain", "no-line-end", "empty", "lone-dot", "leading-dots", "smuggled-by-lf", "smuggled-by-cr",
            "smuggled-mixed", "runs", "other-dots",
        ],
    )  # fmt: skip
    def test_as_data(self, content, sent):
        """Lines end in CRLF, leading dots are doubled, the lone dot comes once (RFC 5321 section 4.5.2)."""
        assert b"".join(data_pieces(content)) == sent

    @pytest.mark.parametrize(
        "body",
        [".", "a\n.\nb", "..", "a\r\n.\r\nMAIL FROM:<eve@example.org>", "a\r.\rQUIT", "a\n.\r\nDATA"],
        ids=ascii,
    )
    def test_a_body_cannot_end_the_message(self, server, mail, body):
        """Whatever dots and line ends a body has, the server hears one message, with that body."""
        mail.send(Message("Hi", ["ann@example.org"], body))

        [sent] = server.mails
        assert sent.mime.get_content().splitlines() == body.splitlines()

    def test_the_exact_bytes(self, server, session):
        """What is given is what arrives."""
        session.sendmail(*ENVELOPE)

        assert server.mails[0].raw == ENVELOPE[2]

    def test_text_is_ascii(self, server, session):
        """Text instead of bytes, as smtplib takes it, is sent as ASCII."""
        session.sendmail(ENVELOPE[0], ENVELOPE[1], "Subject: Hi\n\nHello.\n")

        assert server.mails[0].raw == ENVELOPE[2]


class TestEnvelope:
    """MAIL and RCPT."""

    @pytest.mark.parametrize(
        "sender, mail_from",
        [
            (("Foo, Bar & Sons", "a@example.org"), "a@example.org"),
            ('"Foo, Bar" <a@example.org>', "a@example.org"),
            ("Foo (the great) <a@example.org>", "a@example.org"),
            (("admin@corp.example", "a@example.org"), "a@example.org"),
            (('Say "Hi" @ once; please', "a@example.org"), "a@example.org"),
            (("Évil, <admin@corp.example>", "a@example.org"), "a@example.org"),
            ("a@Bücher.example", "a@xn--bcher-kva.example"),
            ('"a b"@example.org', '"a b"@example.org'),
        ],
        ids=["comma", "quoted", "comment", "address", "specials", "evil", "idn", "quoted-local"],
    )
    def test_the_sender_as_meant(self, server, mail, sender, mail_from):
        """MAIL FROM is the bare address, whatever the name before it holds (FM#130)."""
        mail.send(Message("Hi", ["ann@example.org"], sender=sender))

        assert server.mails[0].envelope.mail_from == mail_from

    @pytest.mark.parametrize(
        "recipient",
        [("Doe, John", "j@example.org"), '"Doe, John" <j@example.org>', ("J@x.example", "j@example.org")],
        ids=["pair", "quoted", "address"],
    )
    def test_the_recipient_as_meant(self, server, mail, recipient):
        """RCPT TO is the bare address, whatever the name before it holds (FM#77)."""
        mail.send(Message("Hi", [recipient]))

        assert server.mails[0].envelope.rcpt_tos == ["j@example.org"]

    def test_everybody_once_in_order(self, server, mail):
        """Recipients, cc and bcc get one RCPT each, in the order given, however they are spelled."""
        mail.send(
            Message(
                "Hi",
                ["bob@example.org", "Ann <ann@example.org>"],
                cc=["ann@EXAMPLE.org", "carl@example.org"],
                bcc=["eve@example.org", ("Bob", "bob@example.org")],
            )
        )

        assert server.mails[0].envelope.rcpt_tos == [
            "bob@example.org",
            "ann@example.org",
            "carl@example.org",
            "eve@example.org",
        ]

    def test_options(self, server, mail):
        """ESMTP parameters of the message are said with MAIL and with each RCPT."""
        mail.send(
            Message(
                "Hi", ["ann@example.org"], mail_options=["RET=HDRS"], rcpt_options=["NOTIFY=SUCCESS,FAILURE"]
            )
        )

        assert "RET=HDRS" in server.mails[0].envelope.mail_options
        assert server.mails[0].envelope.rcpt_options == ["NOTIFY=SUCCESS,FAILURE"]

    def test_no_return_path(self, server, mail):
        """``<>`` is the empty return path."""
        mail.send(Message("Hi", ["ann@example.org"], envelope_from="<>"))

        assert server.mails[0].envelope.mail_from == ""


class TestUTF8:
    """Addresses beyond ASCII (RFC 6531)."""

    def test_offered(self, server, mail):
        """A server that offers SMTPUTF8 hears the address as it is, and that it is UTF-8."""
        mail.send(Message("Hi", ["jürgen@example.org"], sender="søren@example.org"))

        [sent] = server.mails
        assert (sent.envelope.mail_from, sent.envelope.rcpt_tos) == (
            "søren@example.org",
            ["jürgen@example.org"],
        )
        assert {"SMTPUTF8", "BODY=8BITMIME"} <= set(sent.envelope.mail_options)

    @pytest.mark.parametrize(
        "fields",
        [
            {"recipients": ["jürgen@example.org"]},
            {"recipients": ["ann@example.org"], "bcc": ["jürgen@example.org"]},
            {"recipients": ["ann@example.org"], "sender": "jürgen@example.org"},
        ],
        ids=["recipient", "bcc", "sender"],
    )
    def test_not_offered(self, serve, mail_to, fields):
        """A server that does not is told nothing; the error names address, server and remedy."""
        server = serve(smtputf8=False)

        with pytest.raises(smtplib.SMTPNotSupportedError) as caught:
            mail_to(server).send(Message("Hi", **fields))

        assert str(caught.value) == (
            f"The address 'jürgen@example.org' needs SMTPUTF8, which 127.0.0.1:{server.port} does not offer."
            " Nothing was sent. Use an address whose part before the @ is ASCII, or another server."
        )
        assert "MAIL" not in server.sessions[0].verbs

    def test_the_session_goes_on(self, serve, mail_to, message):
        """After the error the next message goes over the same session."""
        server = serve(smtputf8=False)

        with mail_to(server).connect() as connection:
            with pytest.raises(smtplib.SMTPNotSupportedError):
                connection.send(Message("Hi", ["jürgen@example.org"]))
            connection.send(message)

        assert [session.verbs for session in server.sessions] == [["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]]

    def test_an_international_domain_needs_no_support(self, serve, mail_to):
        """A domain beyond ASCII goes to any server, in its ASCII form."""
        server = serve(smtputf8=False, eight_bit=False)

        mail_to(server).send(Message("Hi", ["ann@bücher.example"]))

        assert server.mails[0].envelope.rcpt_tos == ["ann@xn--bcher-kva.example"]

    def test_ascii_goes_on_as_ascii(self, server, mail, message):
        """A message in ASCII after one that is not asks for nothing special."""
        with mail.connect() as connection:
            connection.send(Message("Hi", ["jürgen@example.org"]))
            connection.send(message)

        assert "SMTPUTF8" not in server.mails[1].envelope.mail_options


class TestRefusals:
    """A server that says no: the error, and the session afterwards."""

    @pytest.mark.parametrize(
        "phase, reply, error",
        [
            ("MAIL", "451 Later", smtplib.SMTPSenderRefused),
            ("MAIL", "550 Never", smtplib.SMTPSenderRefused),
            ("RCPT", "451 Later", smtplib.SMTPRecipientsRefused),
            ("RCPT", "550 Never", smtplib.SMTPRecipientsRefused),
            ("DATA", "451 Later", smtplib.SMTPDataError),
            ("DATA", "554 Never", smtplib.SMTPDataError),
            ("BODY", "451 Later", smtplib.SMTPDataError),
            ("BODY", "554 Never", smtplib.SMTPDataError),
        ],
    )
    def test_the_session_is_ready(self, server, mail, message, two, phase, reply, error):
        """After a refusal the next message goes over the same session."""
        server.on(phase, nth=1).reply(reply)

        with mail.connect() as connection:
            with pytest.raises(error):
                connection.send(message)
            connection.send(two)

        assert [sent.mime["Subject"] for sent in server.mails] == ["Again"]
        assert len(server.sessions) == 1

    @pytest.mark.parametrize(
        "phase, error",
        [
            ("RCPT", smtplib.SMTPRecipientsRefused),
            ("DATA", smtplib.SMTPDataError),
            ("BODY", smtplib.SMTPDataError),
        ],
    )
    def test_a_server_that_closes(self, server, mail, message, two, phase, error):
        """421 ends the session, and the next message gets a new one."""
        server.on(phase, nth=1).reply("421 Closing")

        with mail.connect() as connection:
            with pytest.raises(error):
                connection.send(message)
            connection.send(two)

        assert [sent.mime["Subject"] for sent in server.mails] == ["Again"]
        assert len(server.sessions) == 2

    @pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA"])
    def test_nonsense(self, server, mail, message, two, phase):
        """An answer that is none ends the session, and the message goes over another one.

        What follows it is not taken for the next answers.
        """
        server.on(phase, nth=1).garble(b"?!\r\n250 OK\r\n250 OK\r\n250 OK\r\n354 Go\r\n250 OK\r\n")

        with mail.connect() as connection:
            connection.send(message)
            connection.send(two)

        assert [sent.mime["Subject"] for sent in server.mails] == ["Hi", "Again"]
        assert len(server.sessions) == 2

    def test_an_interrupted_content(self, session, cleanup, caplog):
        """When sending is interrupted the session is closed: another message cannot become its content."""

        class Interrupted(BaseException):
            """What a timeout of the worker's own may be."""

        def interrupt(record):
            if "(content" in record.getMessage():
                raise Interrupted
            return True

        cleanup.callback(smtp_logger.removeFilter, interrupt)
        smtp_logger.addFilter(interrupt)
        caplog.set_level(logging.DEBUG, smtp_logger.name)
        session.set_debuglevel(1)

        with pytest.raises(Interrupted):
            session.sendmail(*ENVELOPE)

        assert session.sock is None

    def test_a_refused_body_is_not_unknown(self, server, mail, message):
        """A server that refuses the content has not accepted the message, and that is certain."""
        server.on("BODY").reply("554 Spam")

        with pytest.raises(smtplib.SMTPDataError) as caught:
            mail.send(message)

        assert not isinstance(caught.value, DeliveryUnknown)


class TestGoodbye:
    """QUIT: everything was sent, so nothing that happens matters."""

    @pytest.mark.parametrize("ending", ["drop", "close"])
    def test_a_server_that_leaves_first(self, server, mail, message, dispatched, failed, ending):
        """A server that closes at QUIT has the message, and the send succeeds."""
        getattr(server.on("QUIT"), ending)()

        receipt = mail.send(message)

        assert receipt.sent
        assert (len(server.mails), len(dispatched), len(failed)) == (1, 1, 0)

    @pytest.mark.parametrize("reply", ["421 Closing", "500 What?"])
    def test_a_server_that_says_no(self, server, mail, message, reply):
        """A refused QUIT is no error."""
        server.on("QUIT").reply(reply)

        assert mail.send(message).sent

    def test_nonsense(self, server, mail, message):
        """An answer to QUIT that is none is no error."""
        server.on("QUIT").garble(b"?!\r\n")

        assert mail.send(message).sent

    def test_a_silent_server(self, server, mail, message):
        """The answer to QUIT is not waited for."""
        server.on("QUIT").hang()
        began = time.monotonic()

        assert mail.send(message).sent

        assert time.monotonic() - began < 5

    def test_it_is_said(self, server, mail, message):
        """A session ends with QUIT."""
        mail.send(message)

        assert server.sessions[0].verbs[-1] == "QUIT"
        assert not server.sessions[0].is_open
