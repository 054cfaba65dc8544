"""How few round trips a message takes, and that fewer change nothing about it."""

from __future__ import annotations

import smtplib
import socket
import threading

import pytest

from flask_mail import Mail
from flask_mail import Message


@pytest.fixture
def crowd():
    """A message to 50 people."""
    return Message("Hi", [f"user{number}@example.org" for number in range(50)], "Hello.")


@pytest.fixture(params=[True, False], ids=["chunking", "pipelining"])
def fast(serve, request):
    """A server that takes several commands at a time."""
    return serve(chunking=request.param)


class TestRoundTrips:
    """Counted by the server: how often it was waited for."""

    @pytest.mark.parametrize(
        "options, trips",
        [({"chunking": True}, 1), ({"chunking": False}, 2), ({"pipelining": False, "chunking": False}, 53)],
        ids=["chunking", "pipelining", "neither"],
    )
    def test_a_message_to_fifty(self, serve, mail_to, crowd, options, trips):
        """One with CHUNKING, two with PIPELINING, however many recipients there are; else one a command."""
        server = serve(**options)

        with mail_to(server).connect() as connection:
            connection.send(crowd)
            first = server.sessions[0].round_trips
            connection.send(crowd)
            second = server.sessions[0].round_trips

        assert server.mails[1].envelope.rcpt_tos == [f"user{number}@example.org" for number in range(50)]
        assert second - first == trips

    def test_a_window(self, serve, mail_to):
        """A window of 32 messages costs one round trip with CHUNKING."""
        server = serve(chunking=True)

        with mail_to(server).connect() as connection:
            list(connection.send_many(Message("Hi", ["ann@example.org"]) for _ in range(1)))
            before = server.sessions[0].round_trips
            list(connection.send_many(Message("Hi", ["ann@example.org"]) for _ in range(320)))
            after = server.sessions[0].round_trips

        assert len(server.mails) == 321
        assert after - before == 10

    def test_turned_off(self, serve, mail_to, crowd):
        """MAIL_PIPELINING = False sends one command after the answer to the last."""
        server = serve(chunking=True)

        mail_to(server, MAIL_PIPELINING=False).send(crowd)

        assert server.sessions[0].verbs.count("BDAT") == 0
        assert server.sessions[0].round_trips >= 53


class TestContent:
    """The content arrives as it was written."""

    @pytest.mark.parametrize("body", [".", "..\n.", "a\n.\nb", "x" * 5000, "é\n.\n", ""], ids=ascii)
    def test_dots(self, fast, mail_to, body):
        """Lone dots are content, whichever way it goes."""
        receipt = mail_to(fast).send(Message("Hi", ["ann@example.org"], body))

        assert fast.mails[0].envelope.content.rstrip(b"\r\n") == receipt.envelope.content.rstrip(b"\r\n")

    @pytest.mark.parametrize("body", [".", "a\n.\nb", ".\n"], ids=ascii)
    @pytest.mark.parametrize("headers", [{}, {".": "dot"}], ids=["", "dot"])
    def test_dots_beside_a_file(self, fast, mail_to, body, headers):
        """Lone dots are content beside a file too, which needs not be looked through for them."""
        message = Message("Hi", ["ann@example.org"], body, extra_headers=headers)
        message.attach("a.bin", "application/octet-stream", b"x" * 100_000)

        receipt = mail_to(fast).send(message)

        assert fast.mails[0].envelope.content == receipt.envelope.content

    def test_another_content_is_looked_through(self, fast, mail_to):
        """A content put in the place of a rendered one, as by a subclass that signs, has its dots doubled."""
        signed = b"Subject: Hi\r\n\r\nHello.\r\n.\r\nMAIL FROM:<eve@example.org>\r\n"

        with mail_to(fast).connect() as connection:
            connection.host.sendmail("me@example.org", ["ann@example.org"], signed)

        assert [mail.envelope.content for mail in fast.mails] == [signed]

    @pytest.mark.parametrize("size", [100_000, 1_000_000, 3_000_000])
    def test_attachments(self, fast, mail_to, size):
        """A large content, which goes out after the server has agreed to its recipients, arrives whole."""
        message = Message("Hi", ["ann@example.org"])
        message.attach("a.bin", "application/octet-stream", bytes(range(256)) * (size // 256))

        mail_to(fast).send(message)

        assert fast.mails[0].attachment("a.bin").data == bytes(range(256)) * (size // 256)

    def test_a_large_one_is_not_sent_to_nobody(self, serve, mail_to):
        """A large content is kept back if the server refuses its recipients."""
        server = serve(chunking=True)
        server.on("RCPT").reply(550)
        message = Message("Hi", ["ann@example.org"])
        message.attach("a.bin", "application/octet-stream", b"x" * 3_000_000)

        with pytest.raises(smtplib.SMTPRecipientsRefused):
            mail_to(server).send(message)

        assert "BDAT" not in server.sessions[0].verbs

    def test_none_is_sent_for_nobody(self, script, mail_to, message, two):
        """A server that wants the content though it has refused all recipients gets none of it (RFC 2920)."""
        server = script({
            "EHLO": b"250-x\r\n250 PIPELINING\r\n",
            "RCPT": b"550 5.1.1 Nobody\r\n",
            "DATA": b"354 Go\r\n",
            ".": b"554 5.5.1 Nobody\r\n",
        })  # fmt: skip

        receipts = list(mail_to(server).send_many([message, two]))

        assert [type(receipt.error) for receipt in receipts] == [smtplib.SMTPRecipientsRefused] * 2
        assert [line for line in server.heard if line.startswith((b"Subject", b"."))] == [b".\r\n"] * 2

    def test_thousands_of_recipients(self, fast, mail_to):
        """More recipients than fit into one write go out in several."""
        message = Message("Hi", bcc=[f"user{number}@example.org" for number in range(2000)])

        mail_to(fast).send(message)

        assert len(fast.mails[0].envelope.rcpt_tos) == 2000


class TestRefusals:
    """A refusal is told as smtplib tells it, and the session goes on."""

    @pytest.mark.parametrize(
        "phase, reply, error",
        [
            ("MAIL", 550, smtplib.SMTPSenderRefused),
            ("RCPT", 550, smtplib.SMTPRecipientsRefused),
            ("BODY", 554, smtplib.SMTPDataError),
        ],
    )
    def test_the_session_goes_on(self, fast, mail_to, message, phase, reply, error):
        """The next message goes over the same session, and nothing of the refused one gets into it."""
        fast.on(phase, nth=1).reply(reply)

        with mail_to(fast).connect() as connection:
            with pytest.raises(error):
                connection.send(message)
            connection.send(Message("Again", ["bob@example.org"]))

        assert [sent.mime["Subject"] for sent in fast.mails] == ["Again"]
        assert fast.mails[0].envelope.rcpt_tos == ["bob@example.org"]
        assert len(fast.sessions) == 1

    def test_where_it_came_from(self, fast, mail_to, message):
        """A refusal names the server and the phase."""
        fast.on("MAIL").reply(550)

        with pytest.raises(smtplib.SMTPSenderRefused) as caught:
            mail_to(fast).send(message)

        assert (caught.value.peer, caught.value.phase) == (f"127.0.0.1:{fast.port}", "MAIL")

    def test_some_recipients(self, fast, mail_to, crowd):
        """Refused recipients are told from accepted ones."""
        fast.on("RCPT", match="user7@*").reply("550 No such user")
        fast.on("RCPT", match="user8@*").reply("451 Later")

        receipt = mail_to(fast).send(crowd)

        assert {address: code for address, (code, _) in receipt.refused.items()} == {
            "user7@example.org": 550,
            "user8@example.org": 451,
        }
        assert len(fast.mails[0].envelope.rcpt_tos) == 48


class TestLastWord:
    """A server that has read enough of a content."""

    @pytest.fixture(params=[b"250 x\r\n", b"250-x\r\n250 PIPELINING\r\n"], ids=["plain", "pipelining"])
    def impatient(self, request, cleanup):
        """A server that says why, and leaves, in the midst of a large content."""
        listener = cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve():
            with listener.accept()[0] as client, client.makefile("rb") as lines:
                client.sendall(b"220 x\r\n")
                answers = {b"EHLO": request.param, b"DATA": b"354 go\r\n"}
                verb = b""
                while verb != b"DATA":
                    verb = lines.readline().split()[0].upper()
                    client.sendall(answers.get(verb, b"250 x\r\n"))
                lines.read(1000)
                client.sendall(b"552 5.3.4 Too much\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        cleanup.callback(thread.join)
        return {"MAIL_PORT": listener.getsockname()[1]}

    def test_it_is_heard(self, impatient, make_app):
        """What it said is the refusal, rather than that the connection was lost."""
        message = Message("Hi", ["ann@example.org"])
        message.attach("a.bin", "application/octet-stream", bytes(30_000_000))

        with pytest.raises(smtplib.SMTPDataError, match="Too much"):
            Mail(make_app(**impatient)).send(message)


class TestSize:
    """SIZE (RFC 1870)."""

    def test_too_large(self, serve, mail_to):
        """A message that is larger than the server says it takes is refused before it is sent."""
        server = serve(size=10_000)

        with pytest.raises(smtplib.SMTPSenderRefused, match=r"bytes, but .* accepts at most 10000"):
            mail_to(server).send(Message("Hi", ["ann@example.org"], "x\n" * 9_000))

        assert "MAIL" not in server.sessions[0].verbs

    def test_not_too_large(self, serve, mail_to):
        """A message within the limit is sent."""
        server = serve(size=10_000)

        assert mail_to(server).send(Message("Hi", ["ann@example.org"], "x\n" * 1_000)).sent

    def test_one_in_a_window(self, serve, mail_to):
        """Others of its window are not concerned."""
        server = serve(size=10_000, chunking=True)
        batch = [Message("Hi", ["ann@example.org"], body) for body in ("a", "x\n" * 9_000, "b")]

        receipts = list(mail_to(server).send_many(batch))

        assert [receipt.outcome for receipt in receipts] == ["accepted", "refused", "accepted"]


class TestOutOfTurn:
    """Answers that nobody asked for."""

    @pytest.mark.parametrize(
        "extensions", [b"250 SIZE\r\n", b"250-PIPELINING\r\n250 SIZE\r\n"], ids=["plain", "fast"]
    )
    @pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT"])
    def test_an_extra_answer(self, script, mail_to, message, extensions, verb):
        """A server that says more than it was asked gets no message: its answers cannot be told apart."""
        answers = {"EHLO": b"250-x\r\n" + extensions, "DATA": b"354 Go\r\n"}
        server = script({**answers, verb: answers.get(verb, b"250 x\r\n") + b"250 x\r\n"})

        with pytest.raises(smtplib.SMTPException) as caught:
            mail_to(server).send(message)

        assert "replies that do not match" in str(caught.value) or "DATA" in str(caught.value.__dict__)
        assert not any(b"Subject" in line for line in server.heard)


class TestEightBit:
    """8BITMIME (RFC 6152)."""

    def test_said(self, serve, mail_to):
        """A content beyond ASCII, as headers in UTF-8 make it, is announced where the server offers it."""
        server = serve(smtputf8=True, eight_bit=True)

        mail_to(server).send(Message("Grüße", ["jörg@example.org"], "Hello."))

        assert "BODY=8BITMIME" in server.mails[0].envelope.mail_options

    def test_not_said(self, serve, mail_to):
        """A content in ASCII is not."""
        server = serve(eight_bit=True)

        mail_to(server).send(Message("Grüße", ["ann@example.org"], "Größe"))

        assert "BODY=8BITMIME" not in server.mails[0].envelope.mail_options
