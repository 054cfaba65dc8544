"""The first documentation (0.3 to 0.7), told in tests: each thing that it shows how to do is done here.

``flaskext.mail``, its name until 0.6, is ``flask_mail`` since 0.7.
"""

from __future__ import annotations

import pytest
from flask import Flask

from flask_mail import Attachment
from flask_mail import BadHeaderError
from flask_mail import email_dispatched
from flask_mail import Mail
from flask_mail import Message

pytestmark = pytest.mark.filterwarnings(
    "ignore:DEFAULT_MAIL_SENDER:DeprecationWarning",
    "ignore:DEFAULT_MAX_EMAILS:DeprecationWarning",
)
LIMITED = pytest.mark.not_in_0_10("connect() takes no argument since 0.8")
RENAMED = pytest.mark.not_in_0_10("the keys DEFAULT_... were renamed with 0.8")


@pytest.fixture
def site():
    """An application configured by the keys of the first documentation, under test."""
    site = Flask(__name__)
    site.config.update(TESTING=True, DEFAULT_MAIL_SENDER="site@example.com")
    return site


@pytest.fixture
def post(site):
    """The Mail of that application, in its context."""
    post = Mail(site)
    with site.test_request_context():
        yield post


def test_a_mail_is_made_for_an_application(site):
    """A Mail is made with the application it is for."""
    assert Mail(site).app is site


def test_a_mail_is_made_before_its_application():
    """A Mail is made on its own, and given an application when there is one."""
    mail = Mail()
    application = Flask(__name__)

    mail.init_app(application)

    assert "mail" in application.extensions


def test_every_key_of_the_first_documentation_is_taken(live, wire):
    """An application configured with all the first keys sends."""
    live.config.update(
        MAIL_USE_TLS=False,
        MAIL_USE_SSL=False,
        MAIL_DEBUG=False,
        MAIL_USERNAME=None,
        MAIL_PASSWORD=None,
        DEFAULT_MAIL_SENDER="site@example.com",
        DEFAULT_MAX_EMAILS=None,
        MAIL_FAIL_SILENTLY=True,
        MAIL_SUPPRESS_SEND=False,
    )
    mail = Mail(live)

    with live.app_context():
        mail.send(Message("Hello", sender="from@example.com", recipients=["to@example.com"]))

    assert [heard.mail_from for heard in wire.deliveries] == ["from@example.com"]


def test_a_view_makes_a_message(site):
    """A view makes a message with a subject, a sender and recipients, and sends it."""
    mail = Mail(site)

    @site.route("/")
    def index():
        mail.send(Message("Hello", sender="from@example.com", recipients=["to@example.com"]))
        return "sent"

    with mail.record_messages() as outbox:
        site.test_client().get("/")

    [message] = outbox
    assert (message.subject, message.sender) == ("Hello", "from@example.com")
    assert message.recipients == ["to@example.com"]


def test_recipients_are_set_and_added(post):
    """Recipients are set as a list, and added one by one."""
    message = Message("Hello")

    message.recipients = ["you@example.com"]
    message.add_recipient("somebodyelse@example.com")

    assert message.recipients == ["you@example.com", "somebodyelse@example.com"]


@RENAMED
def test_the_sender_is_configured(post):
    """With DEFAULT_MAIL_SENDER a message needs no sender."""
    assert Message("Hello", recipients=["to@example.com"]).sender == "site@example.com"


def test_a_sender_of_two_is_a_name_and_an_address(post):
    """A sender of two elements is joined into one text."""
    assert Message("Hello", sender=("Me", "me@example.com")).sender == "Me <me@example.com>"


def test_a_message_has_a_body_and_html(post):
    """The text and the html are set on the message, and both go out."""
    message = Message("Hello", sender="from@example.com", recipients=["to@example.com"])

    message.body = "testing"
    message.html = "<b>testing</b>"

    assert "\r\n\r\ntesting" in message.as_string()
    assert "\r\n\r\n<b>testing</b>" in message.as_string()


@RENAMED
def test_many_messages_go_over_one_connection(live, wire):
    """A batch is sent by one connection, with a message of their own for every user."""
    del live.config["MAIL_DEFAULT_SENDER"]
    live.config["DEFAULT_MAIL_SENDER"] = "site@example.com"
    mail = Mail(live)

    with live.app_context(), mail.connect() as connection:
        connection.send(Message(recipients=["ann@example.com"], body="...", subject="hello, ann"))
        connection.send(Message(recipients=["bob@example.com"], body="...", subject="hello, bob"))

    assert [[heard.rcpt_tos for heard in session] for session in wire.sessions] == [
        [["ann@example.com"], ["bob@example.com"]]
    ]


@LIMITED
def test_a_batch_is_limited(live, wire):
    """A batch reconnects after as many messages as ``max_emails`` says."""
    mail = Mail(live)

    with live.app_context(), mail.connect(max_emails=2) as connection:
        connection.send_message("one", ["ann@example.com"])
        connection.send_message("two", ["ann@example.com"])
        connection.send_message("three", ["ann@example.com"])

    assert [len(session) for session in wire.sessions] == [2, 1]


@RENAMED
def test_every_batch_is_limited(live, wire):
    """Every batch reconnects after as many messages as DEFAULT_MAX_EMAILS says."""
    live.config["DEFAULT_MAX_EMAILS"] = 2
    mail = Mail(live)

    with live.app_context(), mail.connect() as connection:
        connection.send_message("one", ["ann@example.com"])
        connection.send_message("two", ["ann@example.com"])
        connection.send_message("three", ["ann@example.com"])

    assert [len(session) for session in wire.sessions] == [2, 1]


@pytest.mark.not_in_0_10("MAIL_FAIL_SILENTLY was dropped with 0.8")
def test_a_server_that_is_away_is_passed_over(live, closed_port):
    """With MAIL_FAIL_SILENTLY a server that cannot be reached raises nothing."""
    live.config.update(MAIL_PORT=closed_port, MAIL_FAIL_SILENTLY=True)
    mail = Mail(live)

    with live.app_context():
        mail.send(Message("Hello", sender="from@example.com", recipients=["to@example.com"]))


def test_a_resource_is_attached(tmp_path, post):
    """A resource of the application is attached by name, type and what was read from it."""
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    application = Flask(__name__, root_path=str(tmp_path))
    message = Message("Hello", sender="from@example.com", recipients=["to@example.com"])

    with application.open_resource("image.png") as file:
        message.attach("image.png", "image/png", file.read())

    [image] = message.attachments
    assert isinstance(image, Attachment)
    assert 'Content-Disposition: attachment; filename="image.png"' in message.as_string()


def test_mail_is_suppressed_under_test(live, wire):
    """With TESTING nothing is transmitted."""
    live.config["TESTING"] = True
    mail = Mail(live)

    with live.app_context():
        mail.send(Message("Hello", sender="from@example.com", recipients=["to@example.com"]))

    assert wire.sessions == []


def test_mail_is_suppressed_when_asked_for(live, wire):
    """With MAIL_SUPPRESS_SEND nothing is transmitted, test or not."""
    live.config["MAIL_SUPPRESS_SEND"] = True
    mail = Mail(live)

    with live.app_context():
        mail.send(Message("Hello", sender="from@example.com", recipients=["to@example.com"]))

    assert wire.sessions == []


@RENAMED
def test_the_outbox_of_a_test(post):
    """A test reads what would have been sent from the list that record_messages() gives."""
    with post.record_messages() as outbox:
        post.send_message(subject="testing", body="test", recipients=["to@example.com"])

        assert len(outbox) == 1
        assert outbox[0].subject == "testing"


@pytest.mark.parametrize(
    "field",
    [
        {"subject": "Hello\nBcc: eve@example.com"},
        {"sender": "from@example.com\nBcc: eve@example.com"},
        {"recipients": ["to@example.com\nBcc: eve@example.com"]},
    ],
    ids=["subject", "sender", "recipient"],
)
def test_a_newline_is_refused(post, field):
    """A newline in the subject, the sender or a recipient is a BadHeaderError."""
    fields = {"subject": "Hello", "sender": "from@example.com", "recipients": ["to@example.com"]}

    with pytest.raises(BadHeaderError):
        post.send(Message(**{**fields, **field}))


@pytest.mark.not_in_0_10("its receivers are called with the application first")
def test_a_function_is_told_of_each_message(post, site, request):
    """A function connected to email_dispatched is given the message and the application."""
    told = []

    def log_message(message, app):
        told.append((message.subject, app))

    request.addfinalizer(lambda: email_dispatched.disconnect(log_message))
    email_dispatched.connect(log_message)

    post.send(Message("Hello", sender="from@example.com", recipients=["to@example.com"]))

    assert told == [("Hello", site)]
