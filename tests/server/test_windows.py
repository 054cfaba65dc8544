"""What becomes of a client that sends many messages in one write, and reads the replies afterwards."""

from __future__ import annotations

import pytest

HI = b"Hi\r\n"


@pytest.fixture
def server(serve):
    """A server with all that such a client needs."""
    return serve(pipelining=True, chunking=True)


@pytest.fixture
def client(server, dial):
    """A client that has said EHLO."""
    return dial(server).begin()


def in_chunk(number, content=HI):
    """Return the commands for a message to the recipient of that number, in one chunk."""
    return b"MAIL FROM:<a@b.example>\r\nRCPT TO:<%d@d.example>\r\nBDAT %d LAST\r\n%b" % (
        number,
        len(content),
        content,
    )


def codes(client, count):
    """Return the codes of the next replies, which are empty where the connection is over."""
    return [client.reply()[:3] for _ in range(count)]


def test_window_of_messages(server, client):
    """Messages in one write arrive in order and cost one round trip."""
    client.socket.sendall(b"".join(map(in_chunk, range(32))))

    assert codes(client, 96) == ["250"] * 96
    assert [mail.envelope.rcpt_tos for mail in server.mails] == [[f"{n}@d.example"] for n in range(32)]
    assert server.sessions[0].round_trips == 2
    assert server.sessions[0].verbs == ["EHLO", *["MAIL", "RCPT", "BDAT"] * 32]


def test_large_window(server, client):
    """A window that is larger than all buffers on its way costs one round trip, too."""
    client.socket.sendall(b"".join(in_chunk(n, b"x\r\n" * 50_000) for n in range(32)))

    assert codes(client, 96) == ["250"] * 96
    assert {mail.raw for mail in server.mails} == {b"x\r\n" * 50_000}
    assert server.sessions[0].round_trips == 2


def test_window_under_tls(serve, dial, trust):
    """Messages in one write arrive under TLS as well."""
    server = serve(tls="starttls", chunking=True)
    client = dial(server).begin("STARTTLS").encrypt(trust(server))
    client.say("EHLO me")

    client.socket.sendall(b"".join(in_chunk(n, b"x\r\n" * 5_000) for n in range(32)))

    assert codes(client, 96) == ["250"] * 96
    assert len(server.mails) == 32


def test_window_of_messages_with_data(server, client):
    """After the final dot the next message may follow in the same write, up to its own DATA."""
    envelope = ("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")
    client.send(*envelope)
    codes(client, 3)

    client.send("One", ".", *envelope)
    assert codes(client, 4) == ["250", "250", "250", "354"]
    client.send("Two", ".", "QUIT")
    assert codes(client, 2) == ["250", "221"]

    assert [mail.raw for mail in server.mails] == [b"One\r\n", b"Two\r\n"]
    assert server.sessions[0].round_trips == 4


def test_transcript_of_a_window(server, client):
    """The transcript has each command right before its reply, though they came in one write."""
    client.socket.sendall(in_chunk(1) + b"QUIT\r\n")
    codes(client, 4)

    assert [str(line) for line in server.sessions[0].transcript[-9:]] == [
        "C: MAIL FROM:<a@b.example>",
        "S: 250 2.1.0 Sender OK",
        "C: RCPT TO:<1@d.example>",
        "S: 250 2.1.5 Recipient OK",
        "C: BDAT 4 LAST",
        "C: [chunk of 4 bytes]",
        "S: 250 2.0.0 Received",
        "C: QUIT",
        "S: 221 2.0.0 Bye",
    ]


def test_refused_recipient_in_a_window(server, client):
    """A message without a recipient fails, its bytes are no commands, and the others arrive."""
    server.on("RCPT", nth=2).reply(550)

    client.socket.sendall(in_chunk(1) + in_chunk(2, b"QUIT\r\n") + in_chunk(3))

    assert codes(client, 9) == ["250", "250", "250", "250", "550", "503", "250", "250", "250"]
    assert [mail.envelope.rcpt_tos for mail in server.mails] == [["1@d.example"], ["3@d.example"]]


def test_one_of_two_recipients_refused(server, client):
    """A message goes to those of its recipients that were not refused."""
    server.on("RCPT", nth=1).reply(550)

    client.socket.sendall(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<x@d.example>\r\n" + in_chunk(1)[25:])

    assert codes(client, 4) == ["250", "550", "250", "250"]
    assert server.mails[0].envelope.rcpt_tos == ["1@d.example"]


def test_refused_sender_in_a_window(server, client):
    """Nothing of a message without a sender is taken, and the next one arrives."""
    server.on("MAIL", nth=1).reply(451)

    client.socket.sendall(in_chunk(1) + in_chunk(2))

    assert codes(client, 6) == ["451", "503", "503", "250", "250", "250"]
    assert server.mails[0].envelope.rcpt_tos == ["2@d.example"]


@pytest.mark.parametrize("phase", ["DATA", "BODY"])
def test_refused_message_in_a_window(server, client, phase):
    """A message that is refused at DATA or BODY is over: the next one begins as if there had been none."""
    server.on(phase, nth=2).reply(554)

    client.socket.sendall(in_chunk(1) + in_chunk(2) + in_chunk(3))

    assert codes(client, 9) == ["250", "250", "250", "250", "250", "554", "250", "250", "250"]
    assert [mail.envelope.rcpt_tos for mail in server.mails] == [["1@d.example"], ["3@d.example"]]


@pytest.mark.parametrize("answer", [b"554 No\r\n", b"250 Yes\r\n"])
def test_rest_of_a_refused_message(server, client, answer):
    """The chunks after one that was not taken are no message of their own."""
    server.on("DATA", nth=1).garble(answer)

    client.socket.sendall(
        b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 4\r\nHi\r\nBDAT 4 LAST\r\nHo\r\n"
    )

    assert codes(client, 4)[2:] == [answer[:3].decode(), "503"]
    assert server.mails == []


@pytest.mark.parametrize("phase, replies", [("MAIL", 3), ("RCPT", 4), ("DATA", 5), ("BODY", 5)])
def test_drop_in_a_window(server, client, phase, replies):
    """A connection that is dropped at the second message is dropped after the replies before it."""
    server.on(phase, nth=2).drop()

    client.socket.sendall(in_chunk(1) + in_chunk(2) + in_chunk(3))

    assert codes(client, replies) == ["250"] * replies
    with pytest.raises(ConnectionResetError):
        client.reply()


def test_message_in_doubt_in_a_window(server, client):
    """A message whose reply is lost has arrived, and those behind it have not."""
    server.on("BODY", nth=2).drop()

    client.socket.sendall(in_chunk(1) + in_chunk(2) + in_chunk(3))
    server.wait_for_mail(2)

    assert server.sessions[0].is_open is False
    assert [mail.envelope.rcpt_tos for mail in server.mails] == [["1@d.example"], ["2@d.example"]]


@pytest.mark.parametrize(
    "phase, replies",
    [
        ("MAIL", ["250", "250", "250", "421"]),
        ("RCPT", ["250", "250", "250", "250", "421"]),
        ("BODY", ["250", "250", "250", "250", "250", "421"]),
    ],
)
def test_421_in_a_window(server, client, phase, replies):
    """After 421 the connection is closed in order: the client can send all, and reads what was answered."""
    server.on(phase, nth=2).reply(421)

    client.socket.sendall(b"".join(in_chunk(n, b"x\r\n" * 100_000) for n in range(20)))

    assert codes(client, len(replies) + 1) == [*replies, ""]


def test_close_in_a_window(server, client):
    """A connection that is closed can be written to until the client has had enough."""
    server.on("RCPT", nth=2).close()

    client.socket.sendall(b"".join(in_chunk(n, b"x\r\n" * 100_000) for n in range(20)))

    assert codes(client, 5) == ["250", "250", "250", "250", ""]


def test_reset_in_a_window(server, client):
    """RSET between messages is answered in its turn."""
    client.socket.sendall(in_chunk(1) + b"RSET\r\n" + in_chunk(2))

    assert codes(client, 7) == ["250"] * 7
    assert len(server.mails) == 2


def test_chunks_without_pipelining(serve, dial):
    """Where PIPELINING is not offered, a chunk is to be waited for as well."""
    client = dial(serve(pipelining=False, chunking=True)).begin("MAIL FROM:<a@b.example>")
    client.say("RCPT TO:<c@d.example>")

    client.socket.sendall(b"BDAT 4\r\nHi\r\nBDAT 4 LAST\r\nHo\r\n")

    assert client.reply() == "503 5.5.0 PIPELINING was not offered: wait for the reply"
