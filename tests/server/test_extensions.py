"""Each extension is offered if its option is on and does what its RFC says; without it, it is refused."""

from __future__ import annotations

import smtplib

import pytest

ENVELOPE = ("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>")


def test_size_is_offered(serve, connect):
    """The size is shown in the answer to EHLO."""
    client = connect(serve(size=50_000))

    client.ehlo()

    assert client.esmtp_features["size"] == "50000"


def test_size_announced(serve, deliver):
    """A message that announces itself as too big is refused at MAIL."""
    server = serve(size=50)

    with pytest.raises(smtplib.SMTPSenderRefused, match=r"552.*5\.3\.4 Message too big"):
        deliver(server)

    assert "DATA" not in server.sessions[0].verbs


@pytest.mark.parametrize("size, reply", [(5, "250 2.0.0 Received"), (4, "552 5.3.4 Message too big")])
def test_size_not_announced(serve, dial, size, reply):
    """A message that is too big is refused after its end, though it did not announce itself."""
    client = dial(serve(size=size)).begin(*ENVELOPE, "DATA")

    assert client.say("..xx\r\n.") == reply


def test_far_too_big(serve, dial):
    """A message that is far too big is read to its end, and the connection can be used further."""
    client = dial(serve(size=10)).begin(*ENVELOPE, "DATA")

    client.socket.sendall(b"..\r\n" * 500_000)

    assert client.say(".") == "552 5.3.4 Message too big"
    assert client.say("NOOP") == "250 2.0.0 OK"


def test_max_rcpt(serve, deliver):
    """Recipients over the limit are refused, the others get the message."""
    server = serve(max_rcpt=1)

    refused = deliver(server, ["bob@example.org", "eve@example.org"])

    assert refused == {"eve@example.org": (452, b"4.5.3 Too many recipients")}
    assert server.mails[0].envelope.rcpt_tos == ["bob@example.org"]


def test_smtputf8(server, connect):
    """With SMTPUTF8 addresses are taken as they are."""
    with connect(server) as client:
        client.sendmail("zoë@example.org", ["ünal@exämple.org"], b"Hi\r\n", ["SMTPUTF8"])

    assert server.mails[0].envelope[:2] == ("zoë@example.org", ["ünal@exämple.org"])


def test_smtputf8_not_asked_for(server, dial):
    """A recipient that is not ASCII is refused if MAIL did not ask for SMTPUTF8."""
    client = dial(server).begin("MAIL FROM:<a@b.example>")

    assert client.say("RCPT TO:<é@d.example>") == "553 5.6.7 Address is not ASCII and MAIL had no SMTPUTF8"


def test_no_smtputf8(serve, dial):
    """Without the option, SMTPUTF8 is neither offered nor known."""
    client = dial(serve(smtputf8=False)).begin()

    assert "SMTPUTF8" not in client.say("EHLO me")
    assert client.say("MAIL FROM:<a@b.example> SMTPUTF8") == "555 5.5.4 Parameter SMTPUTF8 not known"


def test_eight_bit(server, deliver):
    """Bytes over 127 arrive unchanged."""
    deliver(server, content="Grüße\r\n".encode())

    assert server.mails[0].raw == "Grüße\r\n".encode()


def test_no_eight_bit(serve, deliver):
    """Without the option a message that is not ASCII is refused."""
    with pytest.raises(smtplib.SMTPDataError, match=r"554.*5\.6\.1 8BITMIME was not offered"):
        deliver(serve(eight_bit=False), content="Grüße\r\n".encode())


def test_no_body_parameter(serve, dial):
    """Without 8BITMIME there is no BODY parameter."""
    client = dial(serve(eight_bit=False)).begin()

    assert client.say("MAIL FROM:<a@b.example> BODY=8BITMIME") == "555 5.5.4 Parameter BODY not known"


def test_pipelining(server, dial):
    """Commands in one write are answered in order."""
    client = dial(server).begin()

    client.send(*ENVELOPE, "RCPT TO:<>", "DATA")

    assert [client.reply()[:3] for _ in range(4)] == ["250", "250", "553", "354"]


def test_no_pipelining(serve, dial):
    """A client that does not wait for replies though PIPELINING was not offered is refused."""
    client = dial(serve(pipelining=False)).begin()

    client.send("NOOP", "NOOP")

    assert client.reply() == "503 5.5.0 PIPELINING was not offered: wait for the reply"
    assert client.reply() == "250 2.0.0 OK"


def test_no_enhanced_codes(serve, dial):
    """Without the option replies have no enhanced status codes."""
    client = dial(serve(enhanced_codes=False)).begin()

    assert "ENHANCEDSTATUSCODES" not in client.say("EHLO me")
    assert client.say("NOOP") == "250 OK"
    assert client.say("RCPT TO:<a@b.example>") == "503 Send MAIL first"


def test_options_are_recorded(server, connect):
    """The parameters of MAIL and RCPT are in the envelope as they were written."""
    with connect(server) as client:
        client.sendmail(
            "a@b.example",
            ["c@d.example", "e@f.example"],
            b"Hi\r\n",
            ["body=8BITMIME", "RET=HDRS"],
            ["NOTIFY=Never"],
        )

    assert server.mails[0].envelope.mail_options == ["size=4", "body=8BITMIME", "RET=HDRS"]
    assert server.mails[0].envelope.rcpt_options == ["NOTIFY=Never"]


@pytest.fixture
def chunks(serve, dial):
    """A client of a server with CHUNKING, ready for the first chunk."""
    return dial(serve(chunking=True, size=100)).begin(*ENVELOPE)


def send_chunk(client, command, chunk):
    """Send the command and its chunk in one write, and return the reply."""
    client.socket.sendall(command.encode() + b"\r\n" + chunk)
    return client.reply()


def test_chunking_is_offered(serve, connect):
    """CHUNKING is offered if the option is on."""
    client = connect(serve(chunking=True))

    client.ehlo()

    assert client.has_extn("chunking")


def test_chunks(chunks):
    """A message in chunks is put together, and dots stay as they are."""
    assert send_chunk(chunks, "BDAT 4", b".Hi\r") == "250 2.0.0 4 bytes received"
    assert send_chunk(chunks, "BDAT 1", b"\n") == "250 2.0.0 1 bytes received"
    assert send_chunk(chunks, "BDAT 3 LAST", b".\r\n") == "250 2.0.0 Received"


def test_message_in_one_chunk(serve, dial):
    """Envelope and message may come in one write."""
    server = serve(chunking=True)
    client = dial(server).begin()

    client.socket.sendall("\r\n".join([*ENVELOPE, "BDAT 5 LAST", ".Hi\r\n"]).encode())

    assert [client.reply()[:3] for _ in range(3)] == ["250", "250", "250"]
    assert server.mails[0].raw == b".Hi\r\n"


def test_empty_last_chunk(chunks):
    """The last chunk may be empty."""
    send_chunk(chunks, "BDAT 4", b"Hi\r\n")

    assert send_chunk(chunks, "BDAT 0 last", b"") == "250 2.0.0 Received"


def test_chunks_too_big(chunks):
    """Chunks that are too big together are refused, and so is what follows."""
    send_chunk(chunks, "BDAT 60", b"x" * 60)

    assert send_chunk(chunks, "BDAT 60", b"x" * 60) == "552 5.3.4 Message too big"
    assert send_chunk(chunks, "BDAT 4 LAST", b"Hi\r\n") == "503 5.5.1 Send MAIL first"
    assert chunks.say("NOOP") == "250 2.0.0 OK"


def test_chunk_without_recipient(serve, dial):
    """The bytes of a chunk that comes too early are not read as commands."""
    client = dial(serve(chunking=True)).begin("MAIL FROM:<a@b.example>")

    assert send_chunk(client, "BDAT 6 LAST", b"QUIT\r\n") == "503 5.5.1 Send RCPT first"
    assert client.say("NOOP") == "250 2.0.0 OK"


@pytest.mark.parametrize("argument", ["", "x", "-1", "5 FIRST", "5 LAST 5"])
def test_bad_chunk(chunks, argument):
    """A chunk has a size, and perhaps the word LAST."""
    assert chunks.say(f"BDAT {argument}") == "501 5.5.4 Syntax: BDAT size [LAST]"


@pytest.mark.parametrize(
    "line, reply",
    [
        ("DATA", "503 5.5.1 Begun with BDAT"),
        ("RCPT TO:<c@d.example>", "503 5.5.1 The message has begun"),
        ("MAIL FROM:<c@d.example>", "503 5.5.1 Sender already given"),
        ("RSET", "250 2.0.0 OK"),
    ],
)
def test_between_chunks(chunks, line, reply):
    """Between chunks nothing else of a message may come."""
    send_chunk(chunks, "BDAT 4", b"Hi\r\n")

    assert chunks.say(line) == reply


def test_data_with_chunking(serve, deliver):
    """DATA works with CHUNKING, too."""
    server = serve(chunking=True)

    deliver(server)

    assert len(server.mails) == 1


def test_lines_in_chunks(chunks):
    """The lines of a message in chunks obey the same rules."""
    assert send_chunk(chunks, "BDAT 6 LAST", b"Hi\nHi\n").startswith("554 5.6.0 Bare CR or LF")


def test_chunk_before_auth(serve, dial):
    """The bytes of a chunk from a client that has not logged in are not read as commands."""
    client = dial(serve(chunking=True, auth="any")).begin()

    assert send_chunk(client, "BDAT 6 LAST", b"QUIT\r\n") == "530 5.7.0 Authentication required"
    assert client.say("NOOP") == "250 2.0.0 OK"
