"""What a test made can be collected as soon as the test is over: nothing of ours keeps it."""

from __future__ import annotations

import pytest

MODULE = """
import gc
import weakref

import pytest
from flask import Flask
from flask_mail import Mail
from flask_mail import Message

made = {{}}

def note(**objects):
    made.update({{name: weakref.ref(one) for name, one in objects.items()}})

@pytest.fixture
def app():
    app = Flask("shop")
    app.config.update(TESTING=True, MAIL_DEFAULT_SENDER="shop@example.com")
    Mail(app)
    yield app

def test_it(app, {fixtures}):
    class Invoice(Message):
        pass

    message = Invoice("Hi", ["ann@example.com"], "Hello")
    with app.app_context():
        app.extensions["mail"].send(message)
    note(app=app, message_class=Invoice, message=message)
    {test}

def test_afterwards():
    gc.collect()
    assert [name for name, reference in made.items() if reference() is not None] == []
    assert {{"app", "message_class", "message", {names}}} == set(made)
"""

USES = {
    "mail_outbox": ("mail_outbox", "note(outbox=mail_outbox, mail=mail_outbox[0])", '"outbox", "mail"'),
    "assert_sent": (
        "assert_sent",
        'note(mail=assert_sent(to="ann@example.com", contains="Hello"))',
        '"mail"',
    ),
    "failing question": (
        "mail_outbox",
        "note(outbox=mail_outbox); mail_outbox.clear(); pytest.raises(AssertionError, mail_outbox.one)",
        '"outbox"',
    ),
    "smtp_server": (
        "smtp_server",
        'note(server=smtp_server, mail=smtp_server.one(subject="Hi"))',
        '"server", "mail"',
    ),
    "both": (
        "mail_outbox, smtp_server",
        'note(outbox=mail_outbox, server=smtp_server, mail=mail_outbox.one(subject="Hi"))',
        '"outbox", "server", "mail"',
    ),
    "late": ("request", 'outbox = request.getfixturevalue("mail_outbox"); note(outbox=outbox)', '"outbox"'),
    "block": (
        "mail_outbox",
        "with mail_outbox.capture() as new: note(outbox=mail_outbox, new=new, to=mail_outbox.to('a@b'))",
        '"outbox", "new", "to"',
    ),
    "server of the factory": (
        "mail_outbox, smtp_server_factory",
        "with smtp_server_factory() as server: server.on('RSET', optional=True).drop(); note(server=server)",
        '"server"',
    ),
    "nothing but the guard": ("request", "", ""),
}


@pytest.mark.parametrize("use", USES)
def test_nothing_is_kept(run, use):
    """App, message class, message, outbox, server and mail of a test are gone when it is over."""
    fixtures, test, names = USES[use]

    outcome = run(MODULE.format(fixtures=fixtures, test=test, names=names), "-p", "no:randomly")

    assert outcome.counts == {"passed": 2}
