"""A fault that makes no sense is told where it is written, and a fault looks as it was written."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"phase": "RCTP"},
            "There is no phase 'RCTP'. Phases: CONNECT, EHLO, HELO, STARTTLS, AUTH, MAIL, RCPT",
        ),
        ({"phase": "rcpt"}, "There is no phase 'rcpt'"),
        ({"phase": "BDAT"}, "NOOP, QUIT. Use DATA for the first BDAT of a message, and BODY for the last."),
        ({"phase": "RCPT", "nth": 0}, "nth=0: expected 1 or more"),
        (
            {"phase": "DATA", "match": "*"},
            "match='*' at DATA: only EHLO, HELO, AUTH, MAIL, RCPT, BODY, NOOP can",
        ),
        ({"phase": "CONNECT", "match": "*"}, "match='*' at CONNECT: only"),
    ],
)
def test_wrong_place(server, arguments, message):
    """A fault where nothing can happen is a ValueError."""
    with pytest.raises(ValueError) as caught:
        server.on(**arguments)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"nth": "2"}, "nth='2': expected a whole number"),
        ({"nth": True}, "nth=True: expected a whole number"),
        ({"match": 5}, "match=5: expected a glob, a compiled pattern or a function"),
        ({"match": ["bob@*"]}, "match=['bob@*']: expected a glob"),
    ],
)
def test_wrong_type(server, arguments, message):
    """A fault with a value of the wrong type is an error."""
    with pytest.raises(TypeError) as caught:
        server.on("RCPT", **arguments)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "phase, reply, message",
    [
        ("RCPT", 99, "reply(99): expected a code from 200 to 599"),
        ("RCPT", 600, "reply(600): expected a code from 200 to 599"),
        ("RCPT", "no", "reply('no'): expected a code from 200 to 599"),
        ("RCPT", "550No", "reply('550No'): expected a code"),
        ("RCPT", "550 No\r\n250 Yes", "expected a code from 200 to 599"),
        ("RCPT", 354, "reply(354) at RCPT: expected 25x, 4xx or 5xx"),
        ("RCPT", 221, "reply(221) at RCPT: expected 25x, 4xx or 5xx"),
        ("DATA", 250, "reply(250) at DATA: expected 354, 4xx or 5xx"),
        ("BODY", 354, "reply(354) at BODY: expected 250, 4xx or 5xx"),
        ("AUTH", 334, "reply(334) at AUTH: expected 235, 4xx or 5xx"),
        ("CONNECT", 250, "reply(250) at CONNECT: expected 220, 4xx or 5xx"),
    ],
)
def test_wrong_reply(server, phase, reply, message):
    """A reply that a server cannot give there is a ValueError."""
    with pytest.raises(ValueError) as caught:
        server.on(phase).reply(reply)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "write",
    [
        lambda fault: fault.reply(None),
        lambda fault: fault.reply(True),
        lambda fault: fault.reply(b"550 No"),
        lambda fault: fault.reply(550, times="2"),
        lambda fault: fault.garble("text"),
        lambda fault: fault.delay("1"),
    ],
)
def test_wrong_effect_type(server, write):
    """An effect of the wrong type is a TypeError."""
    with pytest.raises(TypeError, match="expected"):
        write(server.on("RCPT"))


@pytest.mark.parametrize(
    "write, message",
    [
        (lambda fault: fault.drop().reply(550), "the connection has already ended, so nothing can follow"),
        (lambda fault: fault.close().delay(1), "the connection has already ended, so nothing can follow"),
        (lambda fault: fault.hang().drop(), "the connection has already ended, so nothing can follow"),
        (
            lambda fault: fault.reply(550).drop(),
            "drop() cannot follow reply() or garble(); only then_drop() can",
        ),
        (lambda fault: fault.reply(550).delay(1), "delay() cannot follow reply() or garble()"),
        (lambda fault: fault.reply(550).reply(550), "reply() cannot follow reply() or garble()"),
        (lambda fault: fault.garble(b"").reply(550), "reply() cannot follow reply() or garble()"),
        (lambda fault: fault.reply(550).then_drop().then_drop(), "nothing can follow"),
        (lambda fault: fault.then_drop(), "then_drop() must follow reply() or garble(). Use drop() instead"),
        (lambda fault: fault.delay(-1), "delay(-1): expected 0 seconds or more"),
        (lambda fault: fault.reply(550, times=0), "times=0: expected 1 or more"),
    ],
)
def test_wrong_order(server, write, message):
    """Effects in an order that cannot be are a ValueError."""
    with pytest.raises(ValueError) as caught:
        write(server.on("RCPT"))

    assert message in str(caught.value)


def test_rate_limit_counts(server):
    """A rate limit allows at least one message."""
    with pytest.raises(ValueError, match="rate_limit=0: expected 1 or more"):
        server.rate_limit(0)


@pytest.mark.parametrize(
    "write, written",
    [
        (lambda server: server.on("RCPT"), "on('RCPT')"),
        (
            lambda server: server.on("RCPT", match="b*", nth=2).reply(550),
            "on('RCPT', match='b*', nth=2).reply(550)",
        ),
        (lambda server: server.on("MAIL").reply("450 No", times=1), "on('MAIL').reply('450 No', times=1)"),
        (lambda server: server.on("DATA").delay(0.5).drop(), "on('DATA').delay(0.5).drop()"),
        (lambda server: server.on("BODY").garble(b"x").then_drop(), "on('BODY').garble(b'x').then_drop()"),
        (lambda server: server.on("RCPT", match=re.compile("^b")), "on('RCPT', match=re.compile('^b'))"),
        (lambda server: server.on("RCPT", match=str.isupper), "on('RCPT', match=isupper)"),
        (lambda server: server.greylist(), "greylist().reply('451 4.7.1 Greylisted, try again later')"),
    ],
)
def test_repr(server, write, written):
    """A fault looks as it was written."""
    assert repr(write(server)) == written
