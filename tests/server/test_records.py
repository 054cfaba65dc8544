"""What a test can see afterwards: sessions, transcripts, emails."""

from __future__ import annotations

import threading
from dataclasses import FrozenInstanceError
from email.message import EmailMessage

import pytest

from pytest_flask_mail import SMTPServer

MAIL = b"From: ann@example.org\r\nSubject: Hello\r\n\r\nHello, Bob.\r\n"


def test_transcript(server, dial):
    """The transcript has each line with its direction; of a message it has the size only."""
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")
    client.say("Hi\r\n.")
    client.say("QUIT")

    assert list(map(str, server.sessions[0].transcript)) == [
        "S: 220 localhost ESMTP test server",
        "C: EHLO me",
        "S: 250-localhost",
        "S: 250-PIPELINING",
        "S: 250-SIZE 0",
        "S: 250-8BITMIME",
        "S: 250-SMTPUTF8",
        "S: 250-DSN",
        "S: 250 ENHANCEDSTATUSCODES",
        "C: MAIL FROM:<a@b.example>",
        "S: 250 2.1.0 Sender OK",
        "C: RCPT TO:<c@d.example>",
        "S: 250 2.1.5 Recipient OK",
        "C: DATA",
        "S: 354 End data with <CR><LF>.<CR><LF>",
        "C: [message of 4 bytes]",
        "S: 250 2.0.0 Received",
        "C: QUIT",
        "S: 221 2.0.0 Bye",
    ]


def test_transcript_of_faults(server, dial):
    """The transcript shows what faults did."""
    server.on("CONNECT").delay(0.001)
    server.on("EHLO").garble(b"25\xff")
    server.on("NOOP").drop()
    client = dial(server)
    client.reply()

    client.send("EHLO me", "NOOP")

    assert list(map(str, server.sessions[0].transcript)) == [
        "*: waits 0.001 s",
        "S: 220 localhost ESMTP test server",
        "C: EHLO me",
        "S: b'25\\xff'",
        "C: NOOP",
        "*: drops the connection",
    ]


def test_transcript_of_tls(serve, connect):
    """The transcript shows where TLS begins."""
    server = serve(tls="implicit")

    connect(server)

    assert str(server.sessions[0].transcript[0]) == "*: TLSv1.3 with TLS_AES_256_GCM_SHA384"


def test_verbs(serve, deliver):
    """The verbs tell the course of a session at a glance."""
    server = serve(tls="starttls", auth=("ann", "s3cret"))

    deliver(server)

    assert server.sessions[0].verbs == [
        "EHLO",
        "STARTTLS",
        "EHLO",
        "AUTH",
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
    ]


def test_verbs_of_early_leaver(server, dial):
    """What a client sent right before it disconnected has been processed."""
    client = dial(server)

    client.send("EHLO me", "NOOP", "QUIT")
    client.leave()

    assert server.sessions[0].verbs == ["EHLO", "NOOP", "QUIT"]
    assert not server.sessions[0].is_open


def test_last_words(dial):
    """What a client sent right before the server stopped has been processed as well."""
    with SMTPServer() as server:
        dial(server).send("EHLO me")

    assert server.sessions[0].verbs == ["EHLO"]


def test_round_trips(server, connect):
    """A client that waits for each reply makes a round trip for each command but the last."""
    with connect(server) as client:
        client.sendmail("a@b.example", ["c@d.example"], b"Hi\r\n")

    assert server.sessions[0].verbs == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert server.sessions[0].round_trips == 6


def test_round_trips_of_pipelining(server, dial):
    """Commands in one write make one round trip."""
    client = dial(server).begin()
    client.say("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")
    client.say("Hi\r\n.\r\nQUIT")

    assert server.sessions[0].round_trips == 3


def test_round_trips_of_chunking(serve, dial):
    """A large message in one write adds no round trips, however it is divided on its way."""
    server = serve(chunking=True)
    client = dial(server).begin()
    envelope = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 3000000 LAST\r\n"

    client.socket.sendall(envelope + b"x\r\n" * 1_000_000 + b"QUIT\r\n")
    server.wait_for_mail()

    assert server.sessions[0].round_trips == 2


def test_round_trips_of_a_large_message(server, dial):
    """The size of a message does not change the number of round trips."""
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")

    client.socket.sendall(b"x\r\n" * 1_000_000 + b".\r\n")
    client.reply()

    assert server.sessions[0].round_trips == 2


def test_peer_and_duration(server, dial):
    """A session knows the address of its client, and how long it has lasted."""
    client = dial(server).begin()

    [session] = server.sessions

    assert session.peer == client.socket.getsockname()
    assert session.is_open
    assert session.duration > 0


def test_duration_stands_still(server, dial):
    """The duration of a session ends with it."""
    dial(server).begin().say("QUIT")

    [session] = server.sessions

    assert session.duration == session.duration


def test_sessions_in_order(server, dial):
    """Sessions are listed in the order of their beginning."""
    first, second = dial(server), dial(server)

    second.begin("NOOP")
    first.begin("RSET")

    assert [session.verbs for session in server.sessions] == [["EHLO", "RSET"], ["EHLO", "NOOP"]]


def test_mail(server, deliver):
    """An email has its exact bytes, its message object, its session and its peer."""
    deliver(server)

    [mail] = server.mails

    assert mail.raw == MAIL
    assert isinstance(mail.mime, EmailMessage)
    assert mail.mime["Subject"] == "Hello"
    assert mail.mime is mail.mime
    assert mail.session is server.sessions[0]
    assert mail.peer == mail.session.peer


def test_mail_is_frozen(server, deliver):
    """An email cannot be changed."""
    deliver(server)

    with pytest.raises(FrozenInstanceError):
        server.mails[0].envelope = None


def test_mail_before_auth(serve, dial):
    """An email shows who was logged in when it arrived, not who logged in later."""
    server = serve(auth="any", auth_required=False)
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")
    client.say("Hi\r\n.")

    client.say("AUTH PLAIN AGFubgBzM2NyZXQ=")

    assert server.mails[0].auth is None
    assert server.sessions[0].auth.user == "ann"


def test_null_sender(server, dial):
    """The empty sender is an empty string."""
    client = dial(server).begin("MAIL FROM:<>", "RCPT TO:<c@d.example>", "DATA")

    client.say("Hi\r\n.")

    assert server.mails[0].envelope.mail_from == ""


def test_emails_is_a_copy(server, deliver):
    """A list of emails once taken does not grow."""
    before = server.mails

    deliver(server)

    assert before == []


def test_wait_for_mail(server, deliver):
    """A thread that waits for an email gets it as soon as it arrives."""
    sender = threading.Thread(target=deliver, args=[server])
    sender.start()

    emails = server.wait_for_mail()

    sender.join()
    assert [mail.raw for mail in emails] == [MAIL]


def test_wait_for_mail_in_vain(server, deliver):
    """Waiting in vain is an error that says how many emails there are."""
    deliver(server)

    with pytest.raises(TimeoutError, match=r"^1 of 2 emails arrived within 0.01 seconds\.$"):
        server.wait_for_mail(2, timeout=0.01)


def test_repr(serve, deliver):
    """Server and session say the most important in one line."""
    server = serve(tls="starttls", auth=("ann", "s3cret"))

    deliver(server)

    [session] = server.sessions
    assert repr(server) == f"<SMTPServer 127.0.0.1:{server.port}, 1 mail>"
    assert repr(session) == (
        f"<Session 127.0.0.1:{session.peer[1]}, TLSv1.3, user 'ann':"
        " EHLO STARTTLS EHLO AUTH MAIL RCPT DATA QUIT>"
    )
    assert repr(SMTPServer()) == "<SMTPServer not started, 0 mails>"


def test_sessions_after_stop(deliver):
    """What was seen can be read after the server has stopped."""
    with SMTPServer() as server:
        deliver(server)

    assert server.sessions[0].verbs == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert server.port
    assert len(server.mails) == 1


def test_client_left(server, dial):
    """The transcript shows that a client left without QUIT."""
    client = dial(server).begin()

    client.leave()

    assert str(server.sessions[0].transcript[-1]) == "*: the client disconnected"


def test_one(server, deliver):
    """``one`` returns the email with the given fields, which are those of IsMail."""
    deliver(server, content=b"Subject: First\r\n\r\nHi\r\n")
    deliver(server, content=b"Subject: Second\r\n\r\nHi\r\n")

    assert server.one(subject="Second") is server.mails[1]


def test_one_in_vain(server):
    """``one`` says that nothing arrived, and that no client connected."""
    with pytest.raises(AssertionError) as caught:
        server.one(subject="Hi")

    assert str(caught.value) == (
        "expected exactly 1 email like IsMail(subject='Hi'), the server received no mail\n"
        "  no client has connected"
    )


def test_a_received_mail_is_read_like_a_sent_one(server, deliver):
    """A received email has links and codes, as one of the outbox has."""
    deliver(server, content=b"Subject: Hi\r\n\r\nYour code: 123456\r\n")

    assert server.mails[0].code() == "123456"
