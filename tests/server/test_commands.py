"""The server is strict: what RFC 5321 does not allow is refused, in words that say why."""

from __future__ import annotations

import pytest


def test_greeting(server, dial):
    """The server greets first."""
    assert dial(server).reply() == "220 localhost ESMTP test server"


def test_ehlo(server, dial):
    """EHLO shows what is offered without options."""
    client = dial(server)
    client.reply()

    assert client.say("EHLO me").split("\n") == [
        "250-localhost",
        "250-PIPELINING",
        "250-SIZE 0",
        "250-8BITMIME",
        "250-SMTPUTF8",
        "250-DSN",
        "250 ENHANCEDSTATUSCODES",
    ]


def test_helo(server, dial):
    """HELO offers nothing."""
    client = dial(server)
    client.reply()

    assert client.say("HELO me") == "250 localhost"


@pytest.mark.parametrize(
    "lines, reply",
    [
        (["MAIL FROM:<a@b.example>"], "503 5.5.1 Send EHLO first"),
        (["RCPT TO:<a@b.example>"], "503 5.5.1 Send EHLO first"),
        (["DATA"], "503 5.5.1 Send EHLO first"),
        (["EHLO me", "RCPT TO:<a@b.example>"], "503 5.5.1 Send MAIL first"),
        (["EHLO me", "DATA"], "503 5.5.1 Send MAIL first"),
        (["EHLO me", "MAIL FROM:<a@b.example>", "DATA"], "503 5.5.1 Send RCPT first"),
        (
            ["EHLO me", "MAIL FROM:<a@b.example>", "MAIL FROM:<a@b.example>"],
            "503 5.5.1 Sender already given",
        ),
        (
            ["EHLO me", "MAIL FROM:<a@b.example>", "RSET", "RCPT TO:<a@b.example>"],
            "503 5.5.1 Send MAIL first",
        ),
        (["EHLO me", "MAIL FROM:<a@b.example>", "EHLO me", "DATA"], "503 5.5.1 Send MAIL first"),
        (["EHLO me", "MAIL FROM:<>", "MAIL FROM:<>"], "503 5.5.1 Sender already given"),
    ],
)
def test_bad_sequence(server, dial, lines, reply):
    """A command before its time is refused, and the reply says what is missing."""
    client = dial(server)
    client.reply()

    assert client.say(*lines) == reply


@pytest.mark.parametrize(
    "line, reply",
    [
        ("EHLO", "501 5.5.4 Syntax: EHLO name"),
        ("HELO", "501 5.5.4 Syntax: HELO name"),
        ("MAIL", "501 5.5.4 Syntax: MAIL FROM:<address>"),
        ("MAIL FROM:", "501 5.5.4 Syntax: MAIL FROM:<address>"),
        ("MAIL FROM:a@b.example", "501 5.5.4 Syntax: MAIL FROM:<address>"),
        ("MAIL FROM: <a@b.example>", "501 5.5.4 Syntax: MAIL FROM:<address>"),
        ("MAIL FROM:<a@b.example>SIZE=1", "501 5.5.4 Syntax: MAIL FROM:<address>"),
        ("MAIL TO:<a@b.example>", "501 5.5.4 Syntax: MAIL FROM:<address>"),
        ("MAIL FROM:<a@b.example> SIZE==1", "501 5.5.4 Bad parameter SIZE==1"),
        ("MAIL FROM:<a@b.example> SIZE=many", "501 5.5.4 SIZE is a number"),
        ("MAIL FROM:<a@b.example> SIZE=1 size=2", "501 5.5.4 Parameter SIZE given twice"),
        ("MAIL FROM:<a@b.example> BODY=BINARYMIME", "501 5.5.4 BODY is 7BIT or 8BITMIME"),
        ("MAIL FROM:<a@b.example> SMTPUTF8=yes", "501 5.5.4 SMTPUTF8 has no value"),
        ("MAIL FROM:<a@b.example> SPEED=9", "555 5.5.4 Parameter SPEED not known"),
        ("MAIL FROM:<a@b.example> AUTH=<>", "555 5.5.4 Parameter AUTH not known"),
        ("MAIL FROM:<ann>", "553 5.1.3 Bad address syntax"),
        ("MAIL FROM:<ann@>", "553 5.1.3 Bad address syntax"),
        ("MAIL FROM:<a..b@c.example>", "553 5.1.3 Bad address syntax"),
        ("MAIL FROM:<a b@c.example>", "553 5.1.3 Bad address syntax"),
        ("MAIL FROM:<a@-b.example>", "553 5.1.3 Bad address syntax"),
        ("MAIL FROM:<a@b@c.example>", "553 5.1.3 Bad address syntax"),
        ("MAIL FROM:<@hop.example:a@b.example>", "553 5.1.3 Bad address syntax"),
        (f"MAIL FROM:<{'a' * 65}@b.example>", "553 5.1.3 Address too long"),
        ("MAIL FROM:<é@b.example>", "553 5.6.7 Address is not ASCII and MAIL had no SMTPUTF8"),
        ("DATA now", "503 5.5.1 Send MAIL first"),
        ("SEND me", "500 5.5.1 Command not recognized"),
        ("BDAT 5", "502 5.5.1 BDAT not offered"),
        ("STARTTLS", "502 5.5.1 STARTTLS not offered"),
        ("AUTH PLAIN", "502 5.5.1 AUTH not offered"),
        ("EXPN list", "502 5.0.0 EXPN not implemented"),
        ("", "500 5.5.1 Command not recognized"),
        ("NOOP \x00", "500 5.5.2 Control character"),
        ("NOOP bare\nRSET", "500 5.5.2 A command ends in CRLF"),
        (f"NOOP {'x' * 505}", "250 2.0.0 OK"),
        (f"NOOP {'x' * 506}", "500 5.5.2 Line too long"),
        (f"NOOP {'x' * 20_000}", "500 5.5.2 Line too long"),
        ("HELP", "214 2.0.0 RFC 5321"),
    ],
)
def test_one_command(server, dial, line, reply):
    """A wrong command is refused with the code for what is wrong."""
    client = dial(server).begin()

    assert client.say(line) == reply


@pytest.mark.parametrize(
    "path",
    [
        "<a@b.example>",
        '<"a b"@c.example>',
        '<"a\\"b>"@c.example>',
        "<a@[127.0.0.1]>",
        "<a+b.c/d=e@f-g.example>",
        "<>",
    ],
)
def test_sender(server, dial, path):
    """Every form of address that RFC 5321 has is taken, and the empty one."""
    assert dial(server).begin().say(f"MAIL FROM:{path}") == "250 2.1.0 Sender OK"


@pytest.mark.parametrize(
    "path, reply",
    [
        ("<b@c.example>", "250 2.1.5 Recipient OK"),
        ("<postmaster>", "250 2.1.5 Recipient OK"),
        ("<b@c.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@c.example", "250 2.1.5 Recipient OK"),
        ("<b@c.example> SIZE=5", "555 5.5.4 Parameter SIZE not known"),
        ("<>", "553 5.1.3 Bad address syntax"),
        ("b@c.example", "501 5.5.4 Syntax: RCPT TO:<address>"),
    ],
)
def test_recipient(server, dial, path, reply):
    """A recipient is an address, or the postmaster; never empty."""
    client = dial(server).begin("MAIL FROM:<a@b.example>")

    assert client.say(f"RCPT TO:{path}") == reply


def test_no_parameters_after_helo(server, dial):
    """A client that said HELO has no parameters."""
    client = dial(server)
    client.reply()

    assert client.say("HELO me", "MAIL FROM:<a@b.example> SIZE=5") == "555 5.5.4 Parameter SIZE not known"


def test_refused_command_changes_nothing(server, dial):
    """After a refused sender, another one can be given."""
    client = dial(server).begin("MAIL FROM:<a@@b.example>")

    assert client.say("MAIL FROM:<a@b.example>") == "250 2.1.0 Sender OK"


def test_argument_of_data(server, dial):
    """DATA has no argument."""
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>")

    assert client.say("DATA now") == "501 5.5.4 Syntax: DATA"


def test_long_line_in_pieces(server, dial):
    """A line that is too long is skipped to its end, however the network divides it."""
    client = dial(server).begin()

    client.socket.sendall(b"x" * 20_000)
    _ = server.sessions
    client.socket.sendall(b"QUIT")
    _ = server.sessions

    assert client.say("") == "500 5.5.2 Line too long"
    assert client.say("NOOP") == "250 2.0.0 OK"
    assert str(server.sessions[0].transcript[-4]) == "C: [line too long]"


def test_verbs_in_lower_case(server, dial):
    """Commands and keywords are the same in lower case."""
    client = dial(server).begin()

    assert client.say("mail from:<a@b.example> size=5") == "250 2.1.0 Sender OK"


@pytest.mark.parametrize(
    "body, reply",
    [
        ("Hi\nthere\r\n", "554 5.6.0 Bare CR or LF in the message (RFC 5321 section 2.3.8)"),
        ("Hi\rthere\r\n", "554 5.6.0 Bare CR or LF in the message (RFC 5321 section 2.3.8)"),
        ("Hi\n.\nthere\r\n", "554 5.6.0 Bare CR or LF in the message (RFC 5321 section 2.3.8)"),
        ("Hi\r.\r\n", "554 5.6.0 Bare CR or LF in the message (RFC 5321 section 2.3.8)"),
        (
            "x" * 999 + "\r\n",
            "554 5.6.0 Line of more than 998 octets in the message (RFC 5321 section 4.5.3.1.6)",
        ),
        ("x" * 998 + "\r\n", "250 2.0.0 Received"),
        ("", "250 2.0.0 Received"),
    ],
)
def test_lines_of_a_message(server, dial, body, reply):
    """A message consists of lines of at most 998 octets that end in CRLF."""
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")

    client.socket.sendall(body.encode() + b".\r\n")

    assert client.reply() == reply


def test_message_refused_is_not_kept(server, dial):
    """A refused message is not among the emails."""
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")

    client.say("bare\nline\r\n.")

    assert server.mails == []


@pytest.mark.parametrize(
    "sent, content",
    [
        (b"..\r\n", b".\r\n"),
        (b"...\r\nx\r\n", b"..\r\nx\r\n"),
        (b"x\r\n..y\r\n", b"x\r\n.y\r\n"),
        (b".x\r\n", b"x\r\n"),
        (b"\r\n\r\n", b"\r\n\r\n"),
    ],
)
def test_dots(server, dial, sent, content):
    """The dot that was put before another one is taken away again."""
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")

    client.socket.sendall(sent)
    client.say(".")

    assert server.mails[0].raw == content


def test_final_dot_in_pieces(server, dial):
    """The end of the message is found wherever the network divides it."""
    client = dial(server).begin("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")

    client.socket.sendall(b"x\r")
    _ = server.sessions
    client.socket.sendall(b"\n.\r")
    _ = server.sessions
    client.socket.sendall(b"\nQUIT\r\n")

    assert client.reply() == "250 2.0.0 Received"
    assert client.reply() == "221 2.0.0 Bye"
    assert server.mails[0].raw == b"x\r\n"


def test_two_messages(server, dial):
    """Several messages can be sent over one connection, each with an envelope of its own."""
    client = dial(server).begin()

    client.say("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA")
    client.say("one\r\n.")
    client.say("MAIL FROM:<e@f.example>", "RCPT TO:<g@h.example>", "DATA")
    client.say("two\r\n.")

    assert [mail.envelope.mail_from for mail in server.mails] == ["a@b.example", "e@f.example"]
    assert [mail.envelope.rcpt_tos for mail in server.mails] == [["c@d.example"], ["g@h.example"]]


def test_quit(server, dial):
    """After QUIT the server closes the connection."""
    client = dial(server).begin()

    assert client.say("QUIT") == "221 2.0.0 Bye"
    assert client.reply() == ""


def test_not_utf8(server, dial):
    """A command is UTF-8, or ASCII."""
    client = dial(server).begin()

    client.socket.sendall(b"NOOP \xff\r\n")

    assert client.reply() == "500 5.5.2 Not UTF-8"


def test_bare_line_end(server, dial):
    """A command that ends in a bare LF is refused."""
    client = dial(server).begin()

    client.socket.sendall(b"NOOP\n")

    assert client.reply() == "500 5.5.2 A command ends in CRLF"
