"""What we use of aiosmtpd without its ``__init__``: a release that needs more of it fails here, by name."""

from __future__ import annotations

import ast
import asyncio
import inspect
import textwrap

import pytest
from aiosmtpd.smtp import SMTP

from pytest_flask_mail import SMTPServer
from pytest_flask_mail.server._protocol.commands import Protocol
from pytest_flask_mail.server._records import ServerState

OF_AIOSMTPD = ["smtp_NOOP", "smtp_RSET", "smtp_VRFY", "smtp_EXPN", "_create_session", "_create_envelope"]
SET_LATER = {"envelope", "session", "transport"}
"""What our ``connection_made`` sets."""

OPTIONAL = {"rset_hook"}
"""What aiosmtpd looks for and does without."""


@pytest.fixture
def conversation():
    """A conversation without a connection."""
    loop = asyncio.new_event_loop()
    yield Protocol(ServerState(SMTPServer()._options), loop)
    loop.close()


def names_needed(method: str) -> set[str]:
    """Return the attributes of itself that a method of aiosmtpd's uses."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(SMTP, method))))
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {one.attr for one in attributes if isinstance(one.value, ast.Name) and one.value.id == "self"}


@pytest.mark.parametrize("method", OF_AIOSMTPD)
def test_needs_nothing_of_its_init(conversation, method):
    """What a method of aiosmtpd's uses of its object is there, though ``SMTP.__init__`` never ran."""
    missing = {name for name in names_needed(method) if not hasattr(conversation, name)}

    assert missing <= SET_LATER | OPTIONAL


@pytest.mark.parametrize("method", ["smtp_NOOP", "smtp_RSET", "smtp_VRFY", "smtp_EXPN"])
def test_commands_are_its_own(method):
    """The commands that we leave to aiosmtpd are still there."""
    assert getattr(Protocol, method) is getattr(SMTP, method)


def test_they_answer(server, dial):
    """The commands that are aiosmtpd's own answer as they always did."""
    client = dial(server).begin()

    assert [client.say(line)[:3] for line in ("NOOP", "VRFY ann@example.org", "EXPN staff", "RSET")] == [
        "250",
        "252",
        "502",
        "250",
    ]
