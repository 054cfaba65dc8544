"""What a fault does to a client, phase by phase, and that it is there for no other command."""

from __future__ import annotations

import re
import smtplib
import time

import pytest

ENVELOPE = ("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>")

STEPS = {
    "EHLO": ["EHLO me"],
    "HELO": ["HELO me"],
    "AUTH": ["EHLO me", "AUTH PLAIN AGFubgBz"],
    "MAIL": ["EHLO me", "MAIL FROM:<a@b.example>"],
    "RCPT": ["EHLO me", *ENVELOPE],
    "DATA": ["EHLO me", *ENVELOPE, "DATA"],
    "BODY": ["EHLO me", *ENVELOPE, "DATA", "Hi\r\n."],
    "RSET": ["EHLO me", "RSET"],
    "NOOP": ["EHLO me", "NOOP"],
    "QUIT": ["EHLO me", "QUIT"],
    "STARTTLS": ["EHLO me", "STARTTLS"],
}
"""For each phase what a client says to get there."""


@pytest.fixture
def server(serve):
    """A server that offers everything and demands nothing."""
    return serve(tls="starttls-optional", auth="any", auth_required=False)


@pytest.fixture
def arrive(server, dial):
    """Return a function that leads a client to a phase, up to the reply before it."""

    def arrive(phase):
        client = dial(server)
        client.reply()
        *before, last = STEPS[phase]
        for step in before:
            client.say(step)
        client.send(last)
        return client

    return arrive


@pytest.mark.parametrize("phase", STEPS)
def test_reply(server, arrive, phase):
    """The reply of a fault comes in place of the server's own, word for word."""
    server.on(phase).reply("450 Not now")

    client = arrive(phase)

    assert client.reply() == "450 Not now"
    assert client.say("VRFY ann")[:3] == "252"


@pytest.mark.parametrize("phase", STEPS)
def test_drop(server, arrive, phase):
    """A dropped connection is a reset one."""
    server.on(phase).drop()

    with pytest.raises(ConnectionResetError):
        arrive(phase).reply()


@pytest.mark.parametrize("phase", STEPS)
def test_close(server, arrive, phase):
    """A closed connection ends as if all was said."""
    server.on(phase).close()

    assert arrive(phase).reply() == ""


@pytest.mark.parametrize("phase", STEPS)
def test_garble(server, arrive, phase):
    """Garbled bytes are sent as they are, and the connection goes on."""
    server.on(phase).garble(b"\xff\x00 ?!\n")

    client = arrive(phase)

    assert client.file.readline() == b"\xff\x00 ?!\n"
    assert client.say("VRFY ann")[:3] == "252"


@pytest.mark.parametrize("phase", STEPS)
def test_hang(server, arrive, phase):
    """A server that hangs sends nothing, and notices that the client gives up."""
    server.on(phase).hang()
    client = arrive(phase)
    client.socket.settimeout(0.02)

    with pytest.raises(TimeoutError):
        client.reply()
    client.leave()

    assert not server.sessions[0].is_open


@pytest.mark.parametrize("phase", STEPS)
def test_delay(server, arrive, phase):
    """A delayed reply is the server's own, only later."""
    server.on(phase).delay(0.03)
    began = time.perf_counter()

    reply = arrive(phase).reply()

    assert reply[0] in "23"
    assert time.perf_counter() - began >= 0.03


def test_large_message_meanwhile(server, dial):
    """A client that sends megabytes while the server waits is slowed down, and loses nothing."""
    server.on("DATA").delay(0.05)
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>")

    client.socket.sendall(b"DATA\r\n" + b"x\r\n" * 3_000_000 + b".\r\n")

    assert client.reply() == "354 End data with <CR><LF>.<CR><LF>"
    assert client.reply() == "250 2.0.0 Received"
    assert len(server.mails[0].raw) == 9_000_000


@pytest.mark.parametrize("phase", STEPS)
def test_then_drop(server, arrive, phase):
    """A connection can be reset right after a reply."""
    server.on(phase).reply("450 Not now").then_drop()
    client = arrive(phase)

    assert client.reply() == "450 Not now"
    with pytest.raises(ConnectionResetError):
        client.reply()


def test_agreeing_reply_then_drop(server, arrive):
    """A positive reply can be the last one, too."""
    server.on("BODY").reply("250 Queued as 12").then_drop()
    client = arrive("BODY")

    assert client.reply() == "250 Queued as 12"
    with pytest.raises(ConnectionResetError):
        client.reply()
    assert len(server.mails) == 1


def test_garble_then_drop(server, arrive):
    """Half a reply can be the last thing that a client gets."""
    server.on("MAIL").garble(b"25").then_drop()
    client = arrive("MAIL")

    assert client.socket.recv(10) == b"25"
    with pytest.raises(ConnectionResetError):
        client.reply()


def test_dropped_handshake(server, arrive):
    """A connection can be reset between STARTTLS and the handshake."""
    server.on("STARTTLS").reply(220).then_drop()
    client = arrive("STARTTLS")

    assert client.reply() == "220 2.0.0 Ready"
    with pytest.raises(ConnectionResetError):
        client.reply()


@pytest.mark.parametrize("code, reply", [(421, "421 Service not available"), (554, "554 Transaction failed")])
def test_connect_reply(server, dial, code, reply):
    """A refused connection is closed, and the reply has no enhanced status code."""
    server.on("CONNECT").reply(code)
    client = dial(server)

    assert client.reply() == reply
    assert client.reply() == ""


def test_connect_greeting(server, dial):
    """The greeting can be another one."""
    server.on("CONNECT").reply("220 mail.example\nready")
    client = dial(server)

    assert client.reply() == "220-mail.example\n220 ready"
    assert client.say("EHLO me")[:3] == "250"


def test_connect_drop(server, dial):
    """A connection can be reset before the greeting."""
    server.on("CONNECT").drop()

    with pytest.raises(ConnectionResetError):
        dial(server).reply()


def test_connect_close(server, dial):
    """A connection can be closed before the greeting."""
    server.on("CONNECT").close()

    assert dial(server).reply() == ""


def test_connect_garble(server, dial):
    """A greeting can be nonsense."""
    server.on("CONNECT").garble(b"SSH 2.0\r\n")

    assert dial(server).reply() == "SSH 2.0"


@pytest.mark.parametrize("ending", ["drop", "close"])
def test_under_tls(serve, connect, ending):
    """Faults work under TLS as well."""
    server = serve(tls="implicit")
    getattr(server.on("MAIL"), ending)()
    client = connect(server)
    client.ehlo()

    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.mail("a@b.example")


def test_421_closes(server, arrive):
    """A reply of 421 closes the connection in every phase."""
    server.on("MAIL").reply(421)
    client = arrive("MAIL")

    assert client.reply() == "421 4.3.2 Service not available"
    assert client.reply() == ""


def test_ehlo_refused(server, connect):
    """A client that is refused EHLO can go on with HELO."""
    server.on("EHLO").reply(502)
    client = connect(server)

    client.sendmail("a@b.example", ["c@d.example"], b"Hi\r\n")

    assert server.sessions[0].verbs[:2] == ["EHLO", "HELO"]


def test_ehlo_offers(server, connect):
    """What EHLO offers can be anything."""
    server.on("EHLO").reply("250 old.example\nSIZE 7\nX-OWN thing")
    client = connect(server)

    client.ehlo()

    assert client.esmtp_features == {"size": "7", "x-own": "thing"}


def test_refused_command_is_not_performed(server, arrive):
    """A sender that a fault refused does not count."""
    server.on("MAIL").reply(451)
    client = arrive("MAIL")
    client.reply()

    assert client.say("RCPT TO:<c@d.example>") == "503 5.5.1 Send MAIL first"


def test_agreeing_reply_is_performed(server, arrive):
    """A positive reply changes the text, not what the server does."""
    server.on("MAIL").reply("250 Go on")
    client = arrive("MAIL")

    assert client.reply() == "250 Go on"
    assert client.say("RCPT TO:<c@d.example>") == "250 2.1.5 Recipient OK"


def test_agreeing_auth(serve, dial):
    """A positive reply to AUTH lets every client log in."""
    server = serve(auth=("ann", "s3cret"))
    server.on("AUTH").reply(235)
    client = dial(server).begin("AUTH PLAIN AGV2ZQB4")

    assert client.say("MAIL FROM:<a@b.example>") == "250 2.1.0 Sender OK"


@pytest.mark.parametrize("ending", ["drop", "close", "hang"])
def test_message_in_doubt(server, arrive, ending):
    """A message that arrived whole is kept though the client never learns of it."""
    getattr(server.on("BODY"), ending)()

    arrive("BODY")

    assert server.wait_for_mail()[0].raw == b"Hi\r\n"


def test_refused_message(server, arrive):
    """A message that a fault refuses is not kept."""
    server.on("BODY").reply(554)

    assert arrive("BODY").reply() == "554 5.0.0 Transaction failed"
    assert server.mails == []


@pytest.mark.parametrize(
    "phase, match, other",
    [
        ("RCPT", "BOB@*", "RCPT TO:<ann@b.example>"),
        ("RCPT", re.compile(r"^bob"), "RCPT TO:<notbob@b.example>"),
        ("RCPT", lambda address: address == "bob@b.example", "RCPT TO:<Bob@b.example>"),
    ],
    ids=["glob", "pattern", "function"],
)
def test_match_recipient(server, dial, phase, match, other):
    """A fault is for the addresses that it matches, and for no other."""
    server.on(phase, match=match).reply(550)
    client = dial(server).begin("MAIL FROM:<a@b.example>")

    assert client.say("RCPT TO:<bob@b.example>") == "550 5.1.1 No such user"
    assert client.say(other) == "250 2.1.5 Recipient OK"


@pytest.mark.parametrize(
    "phase, match, line",
    [
        ("EHLO", "eve*", "EHLO evening.example"),
        ("HELO", "eve*", "HELO evening.example"),
        ("MAIL", "eve@*", "MAIL FROM:<eve@b.example>"),
        ("MAIL", "", "MAIL FROM:<>"),
        ("NOOP", "5", "NOOP 5"),
        ("AUTH", "eve", "AUTH PLAIN AGV2ZQB4"),
    ],
)
def test_match_subject(server, dial, phase, match, line):
    """Each phase that has something to match is matched with it."""
    server.on(phase, match=match).reply("450 Yes")
    client = dial(server).begin()

    assert client.say(line) == "450 Yes"


def test_match_body(server, deliver):
    """At BODY the whole message is matched."""
    server.on("BODY", match="*Subject: Hello*").reply(554)

    with pytest.raises(smtplib.SMTPDataError):
        deliver(server)


def test_nth(server, dial):
    """A fault can be for the n-th time only, counted over all connections."""
    server.on("NOOP", nth=2).reply(450)

    replies = [dial(server).begin().say("NOOP")[:3] for _ in range(3)]

    assert replies == ["250", "450", "250"]


def test_nth_of_matching(server, dial):
    """Only what matches is counted."""
    server.on("NOOP", match="x", nth=2).reply(450)
    client = dial(server).begin()

    replies = [client.say(line)[:3] for line in ["NOOP x", "NOOP y", "NOOP x", "NOOP x"]]

    assert replies == ["250", "250", "450", "250"]


def test_times(server, dial):
    """A reply can be given a number of times."""
    server.on("NOOP").reply(450, times=2)
    client = dial(server).begin()

    assert [client.say("NOOP")[:3] for _ in range(3)] == ["450", "450", "250"]


def test_first_fault_wins(server, dial):
    """Of several faults that apply, the first one written takes effect; when it is used up, the next."""
    server.on("NOOP").reply(450, times=1)
    server.on("NOOP").reply(451)
    client = dial(server).begin()

    assert [client.say("NOOP")[:3] for _ in range(3)] == ["450", "451", "451"]


def test_other_faults_count_on(server, dial):
    """A fault counts what it matches even if another one takes effect."""
    server.on("NOOP", nth=1).reply(450)
    server.on("NOOP", nth=2).reply(451)
    client = dial(server).begin()

    assert [client.say("NOOP")[:3] for _ in range(3)] == ["450", "451", "250"]


def test_wrong_command_triggers_no_fault(server, dial):
    """A command that is refused anyway triggers no fault."""
    server.on("RCPT").reply(450)
    client = dial(server).begin()

    assert client.say("RCPT TO:<a@b.example>") == "503 5.5.1 Send MAIL first"
    assert len(server.untriggered_faults) == 1


def test_data_fault_of_chunks(serve, dial):
    """With BDAT a fault of DATA meets the first chunk."""
    server = serve(chunking=True)
    server.on("DATA").reply(451)
    client = dial(server).begin(*ENVELOPE)

    client.socket.sendall(b"BDAT 4 LAST\r\nHi\r\n")

    assert client.reply() == "451 4.3.0 Try again later"


def test_body_fault_of_chunks(serve, dial):
    """With BDAT a fault of BODY meets the last chunk."""
    server = serve(chunking=True)
    server.on("BODY").reply(451)
    client = dial(server).begin(*ENVELOPE)

    client.socket.sendall(b"BDAT 4\r\nHi\r\nBDAT 0 LAST\r\n")

    assert client.reply() == "250 2.0.0 4 bytes received"
    assert client.reply() == "451 4.3.0 Try again later"


def test_codes_follow_the_option(serve, dial):
    """The usual text of a code has an enhanced status code only if the server has those."""
    server = serve(enhanced_codes=False)
    server.on("NOOP").reply(451)

    assert dial(server).begin().say("NOOP") == "451 Try again later"


def test_greylist(server, deliver):
    """With greylisting each recipient is refused the first time."""
    server.greylist()

    with pytest.raises(smtplib.SMTPRecipientsRefused, match="451"):
        deliver(server)
    refused = deliver(server, ["bob@example.org", "eve@example.org"])

    assert list(refused) == ["eve@example.org"]


def test_full_mailbox(server, deliver):
    """A full mailbox is refused, the others get the message."""
    server.full_mailbox("bob@example.org")

    refused = deliver(server, ["bob@example.org", "eve@example.org"])

    assert refused == {"bob@example.org": (452, b"4.2.2 Mailbox full")}


def test_rate_limit(server, deliver):
    """Messages over the limit are refused."""
    server.rate_limit(2)
    deliver(server)
    deliver(server)

    with pytest.raises(smtplib.SMTPSenderRefused, match="450"):
        deliver(server)


def test_maintenance(server, connect):
    """A server under maintenance refuses connections."""
    server.maintenance()

    with pytest.raises(smtplib.SMTPConnectError, match="421"):
        connect(server)


def test_untriggered(server, deliver):
    """Faults that took no effect are listed as they were written, but for optional ones."""
    server.on("RCPT", match="bob@*").reply("550 5.1.1 No such user", times=1)
    server.on("RCPT", match="carl@*").drop()
    server.on("QUIT", nth=5, optional=True).close()
    server.full_mailbox("carl@example.org")
    server.greylist(optional=True)

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        deliver(server)

    assert list(map(repr, server.untriggered_faults)) == [
        "on('RCPT', match='carl@*').drop()",
        "full_mailbox('carl@example.org').reply('452 4.2.2 Mailbox full')",
    ]


def test_unfinished_fault(server, dial):
    """A fault without an effect is never triggered."""
    server.on("NOOP")

    assert dial(server).begin().say("NOOP") == "250 2.0.0 OK"
    assert list(map(repr, server.untriggered_faults)) == ["on('NOOP')"]


def test_fault_at_quit_is_triggered(server, connect):
    """A fault is triggered by what a client said before, though the client did not wait for the reply."""
    server.on("QUIT").drop()
    client = connect(server)

    client.send("QUIT\r\n")
    client.close()

    assert server.untriggered_faults == []


def test_broken_match(dial, serve):
    """What a match function raises is raised where the server is stopped."""
    server = serve()
    server.on("NOOP", match=lambda _: 1 / 0).reply(450)

    assert dial(server).begin().say("NOOP") == "421 4.3.0 The test server failed"
    with pytest.raises(ZeroDivisionError):
        server.stop()


def test_match_looks_around(server, dial):
    """A match function may ask the server what it saw, and write a fault."""
    server.on("NOOP", match=lambda _: server.sessions and server.on("RSET").reply(450)).reply(451)
    client = dial(server).begin()

    assert client.say("NOOP") == "451 4.3.0 Try again later"
    assert client.say("RSET") == "450 4.2.0 Mailbox not available, try again later"
