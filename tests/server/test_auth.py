"""AUTH as RFC 4954 has it: mechanisms, bad answers, and what is left to those who did not log in."""

from __future__ import annotations

from base64 import b64encode

import pytest

TOKEN = "user=ann\x01auth=Bearer s3cret\x01\x01"
WRONG_TOKEN = "user=ann\x01auth=Bearer guess\x01\x01"


def base64(text):
    """Return the text as AUTH sends it."""
    return b64encode(text.encode()).decode()


@pytest.fixture
def server(serve):
    """A server that demands to log in."""
    return serve(auth=("ann", "s3cret"))


@pytest.mark.parametrize("line", ["MAIL FROM:<a@b.example>", "RCPT TO:<a@b.example>", "DATA", "VRFY ann"])
def test_required(server, dial, line):
    """A client that has not logged in may only greet, log in and quit."""
    assert dial(server).begin().say(line) == "530 5.7.0 Authentication required"


@pytest.mark.parametrize("line", ["EHLO me", "HELO me", "NOOP", "RSET", "QUIT"])
def test_allowed_before(server, dial, line):
    """What is not about mail is allowed before."""
    assert dial(server).begin().say(line)[0] == "2"


def test_not_required(serve, deliver, connect):
    """AUTH can be offered and not be demanded."""
    server = serve(auth=("ann", "s3cret"), auth_required=False)

    with connect(server) as client:
        client.sendmail("a@b.example", ["c@d.example"], b"Hi\r\n")

    assert server.mails[0].auth is None


def test_offered(server, connect):
    """All mechanisms are offered unless others are given."""
    client = connect(server)

    client.ehlo()

    assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]


def test_offered_in_order(serve, connect):
    """Mechanisms are offered in the order given."""
    client = connect(serve(auth="any", auth_mechanisms=["LOGIN", "PLAIN"]))

    client.ehlo()

    assert client.esmtp_features["auth"].split() == ["LOGIN", "PLAIN"]


def test_plain_in_two_steps(server, dial):
    """PLAIN may come without an initial response."""
    client = dial(server).begin()

    assert client.say("AUTH PLAIN") == "334 "
    assert client.say(base64("\0ann\0s3cret")) == "235 2.7.0 Authentication successful"


def test_login_with_initial_response(server, dial):
    """LOGIN may come with the user in its initial response."""
    client = dial(server).begin()

    assert client.say(f"AUTH login {base64('ann')}") == f"334 {base64('Password:')}"
    assert client.say(base64("s3cret")) == "235 2.7.0 Authentication successful"


def test_xoauth2(server, dial):
    """XOAUTH2 logs in with a token."""
    client = dial(server).begin()

    reply = client.say(f"AUTH XOAUTH2 {base64(TOKEN)}")

    assert reply == "235 2.7.0 Authentication successful"
    assert server.sessions[0].auth.mechanism == "XOAUTH2"
    assert server.sessions[0].auth.password == "s3cret"


def test_wrong_token(server, dial):
    """A wrong token is explained first, then refused."""
    client = dial(server).begin()

    reply = client.say(f"AUTH XOAUTH2 {base64(WRONG_TOKEN)}")

    assert reply == "334 " + base64('{"status": "400", "schemes": "Bearer"}')
    assert client.say("") == "535 5.7.8 Wrong user name or password"


@pytest.mark.parametrize(
    "lines, reply",
    [
        (["AUTH"], "504 5.5.4 Mechanism not offered"),
        (["AUTH NTLM"], "504 5.5.4 Mechanism not offered"),
        (["AUTH PLAIN !"], "501 5.5.2 Not base64"),
        (["AUTH PLAIN é"], "501 5.5.2 Not base64"),
        (["AUTH PLAIN ="], "501 5.5.2 PLAIN has three parts, separated by NUL"),
        (["AUTH PLAIN /w=="], "501 5.5.2 PLAIN has three parts, separated by NUL"),
        (["AUTH PLAIN AP8A"], "501 5.5.2 Not UTF-8"),
        (["AUTH PLAIN", "*"], "501 5.7.0 Cancelled"),
        (["AUTH LOGIN", "*"], "501 5.7.0 Cancelled"),
        (["AUTH LOGIN", "YW5u", "*"], "501 5.7.0 Cancelled"),
        (["AUTH LOGIN", "YW5u", "!"], "501 5.5.2 Not base64"),
        (["AUTH CRAM-MD5 YW5u"], "501 5.5.2 CRAM-MD5 begins with our challenge"),
        (["AUTH CRAM-MD5", "YW5u"], "535 5.7.8 Wrong user name or password"),
        (["AUTH XOAUTH2 YW5u"], "501 5.5.2 XOAUTH2 is user=...^Aauth=Bearer ...^A^A"),
    ],
)
def test_bad_answer(server, dial, lines, reply):
    """An answer that cannot be understood is refused, and the next command is one again."""
    client = dial(server).begin()

    assert client.say(*lines) == reply
    assert client.say("NOOP") == "250 2.0.0 OK"


def test_only_once(server, dial):
    """A client that has logged in cannot log in again."""
    line = "AUTH PLAIN AGFubgBzM2NyZXQ="
    client = dial(server).begin(line)

    assert client.say(line) == "503 5.5.1 Already authenticated"


def test_not_within_a_message(serve, dial):
    """A client cannot log in within a message."""
    client = dial(serve(auth="any", auth_required=False)).begin("MAIL FROM:<a@b.example>")

    assert client.say("AUTH PLAIN") == "503 5.5.1 Not within a message"


def test_not_after_helo(server, dial):
    """After HELO, AUTH is refused."""
    client = dial(server)
    client.reply()

    assert client.say("HELO me", "AUTH PLAIN") == "503 5.5.1 Send EHLO first"


def test_auth_parameter(serve, dial):
    """Where AUTH is offered, MAIL has an AUTH parameter."""
    client = dial(serve(auth="any", auth_required=False)).begin()

    assert client.say("MAIL FROM:<a@b.example> AUTH=<>") == "250 2.1.0 Sender OK"


@pytest.mark.parametrize(
    "lines",
    [
        ["AUTH PLAIN AGFubgBzM2NyZXQ="],
        ["AUTH PLAIN", "AGFubgBzM2NyZXQ="],
        ["AUTH LOGIN YW5u", "czNjcmV0"],
        ["AUTH LOGIN", "YW5u", "czNjcmV0"],
        ["AUTH NTLM AGFubgBzM2NyZXQ=", "czNjcmV0"],
        ["auth  plain AGFubgBzM2NyZXQ="],
    ],
)
def test_secrets_are_masked(server, dial, lines):
    """Neither transcript nor verbs nor any repr shows a secret, whatever became of it."""
    client = dial(server).begin(*lines)

    [session] = server.sessions
    shown = f"{session!r} {session.transcript} {session.verbs} {session.auth!r}"

    assert "AGFu" not in shown
    assert "cznj" not in shown.lower()
    assert "s3cret" not in shown
    assert client.say("NOOP") == "250 2.0.0 OK"
