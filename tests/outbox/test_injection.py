"""Header injection: what the payloads are, where an injection is seen, what is none.

The emails that hold one are written by hand, as careless programs would; no message of ours can be.
"""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest
from flask import abort
from flask import Flask
from flask import request

from flask_mail import Attachment
from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import assert_no_header_injection
from pytest_flask_mail import assert_rejects_injection
from pytest_flask_mail import HEADER_INJECTIONS
from pytest_flask_mail import Outbox
from pytest_flask_mail import SMTPServer
from pytest_flask_mail._injection import CANARY_ADDRESS
from pytest_flask_mail._injection import CANARY_HEADER
from pytest_flask_mail._injection import payload_id

IDS = {one.id for one in HEADER_INJECTIONS}
#: Harmless wherever the program adds them to a header as they are.
INERT = {"truncated-to-crlf-header", "percent-encoded-header", "encoded-word-header"}
#: Harmful among addresses only.
OF_ADDRESSES = {"comma-address", "angle-address", "quote-address"}


def write_carelessly(subject="Hi", to="ann@x.org", body="Hello"):
    """Return bytes in which subject and recipient are as they were given."""
    lines = [
        "From: shop@x.org",
        f"Subject: {subject}",
        f"To: {to}",
        "Date: today",
        "MIME-Version: 1.0",
        "",
        body,
    ]
    return "\r\n".join(lines).encode()


def fail(emails):
    """Return the text with which the assertion fails."""
    with pytest.raises(AssertionError) as caught:
        assert_no_header_injection(emails)
    return str(caught.value)


def pick(ids):
    """Return the payloads of these ids as parameters."""
    return [pytest.param(one, id=one.id) for one in HEADER_INJECTIONS if one.id in ids]


@pytest.fixture
def app():
    """Return an application with a contact form, of which parts can be careless."""
    app = Flask("shop")
    app.config.update(MAIL_DEFAULT_SENDER="shop@x.org")
    mail = Mail(app)

    @app.post("/contact")
    def contact():
        mail.send_message(f"From {request.form['name']}", ["shop@x.org"], body=request.form["name"])
        return "Thanks"

    @app.post("/polite")
    def polite():
        if not request.form["name"].isalpha():
            abort(400)
        return "Thanks"

    return app


def test_payloads():
    """There are at least twenty payloads, each a text with an id of its own that can be read."""
    assert len(HEADER_INJECTIONS) >= 20
    assert len(IDS) == len(HEADER_INJECTIONS)
    assert all(isinstance(one, str) and one.id.replace("-", "").isalpha() for one in HEADER_INJECTIONS)
    assert type("Ann" + HEADER_INJECTIONS[0]) is str


def test_canary():
    """Every payload has the canary in it, as a header or an address."""
    assert CANARY_HEADER == "X-Injection-Canary"
    assert CANARY_ADDRESS == "canary@injection.invalid"
    assert [
        one.id for one in HEADER_INJECTIONS if CANARY_HEADER not in one and CANARY_ADDRESS not in one
    ] == []


def test_id_of_a_payload():
    """A payload is known by its id, any other value by none."""
    assert payload_id(HEADER_INJECTIONS[0]) == "crlf-header"
    assert payload_id("crlf-header") is None


def test_ids_of_tests(pytester):
    """Tests that are parametrised over the payloads are called by their ids."""
    pytester.makeconftest(
        """
        from pytest_flask_mail._injection import payload_id

        def pytest_make_parametrize_id(val):
            return payload_id(val)
        """
    )
    pytester.makepyfile(
        """
        import pytest
        from pytest_flask_mail import HEADER_INJECTIONS

        @pytest.mark.parametrize("evil", HEADER_INJECTIONS)
        def test_form(evil):
            pass
        """
    )

    run = pytester.runpytest_inprocess("-p", "no:rerunfailures", "--collect-only", "-q")

    run.stdout.fnmatch_lines_random(
        ["*::test_form?crlf-header?", "*::test_form?lf-header?", "*::test_form?crlf-bcc?"]
    )


@pytest.mark.parametrize("evil", pick(IDS - INERT - OF_ADDRESSES))
def test_injection_through_a_subject(evil):
    """What the payload adds is seen, if a program puts it into a subject as it is."""
    assert fail(write_carelessly(subject="Ann" + evil)).startswith("header injection in ")


@pytest.mark.parametrize("evil", pick(IDS - INERT - {"comma-address", "angle-address"}))
def test_injection_through_a_quoted_name(evil):
    """What the payload adds is seen, if a program puts quotes around a display name and nothing more."""
    assert fail(write_carelessly(to=f'"Ann{evil}" <ann@x.org>')).startswith("header injection in ")


@pytest.mark.parametrize("evil", pick(IDS - INERT - {"quote-address"}))
def test_injection_through_a_name(evil):
    """What the payload adds is seen, if a program puts it into a display name as it is."""
    assert fail(write_carelessly(to=f"Ann{evil} <ann@x.org>")).startswith("header injection in ")


@pytest.mark.parametrize("evil", pick(IDS))
def test_payload_in_a_body(evil):
    """A payload in the text of an email is no injection, wherever it stands."""
    assert_no_header_injection(write_carelessly(body=evil))
    assert_no_header_injection(write_carelessly(body=evil.strip()))
    assert_no_header_injection(write_carelessly(body=f"Hi\r\n\r\n{evil}\r\n"))


@pytest.mark.parametrize("evil", pick(INERT | OF_ADDRESSES))
def test_payload_within_a_value(evil):
    """A payload that survives within the value of one header is no injection."""
    assert_no_header_injection(write_carelessly(subject="Ann" + evil))


@pytest.mark.parametrize(
    "to",
    [
        f'"Ann, {CANARY_ADDRESS}" <ann@x.org>',
        f'"Ann \\" <{CANARY_ADDRESS}>" <ann@x.org>',
        f"Ann ({CANARY_ADDRESS}) <ann@x.org>",
        f"=?utf-8?q?{CANARY_ADDRESS},?= <ann@x.org>",
        f"Ann\r\n {CANARY_HEADER}: 1 <ann@x.org>",
    ],
    ids=["quoted", "quoted-quote", "comment", "encoded-word", "folded"],
)
def test_canary_within_a_name(to):
    """A canary that is part of a display name or a comment, or of a folded value, is no injection."""
    assert_no_header_injection(write_carelessly(to=to))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda evil: {"subject": "Ann" + evil}, id="subject"),
        pytest.param(lambda evil: {"body": evil}, id="body"),
        pytest.param(lambda evil: {"sender": f"shop@x.org{evil}"}, id="sender"),
        pytest.param(lambda evil: {"reply_to": ("Ann" + evil, "ann@x.org")}, id="name"),
        pytest.param(lambda evil: {"extra_headers": {"X-Name": "Ann" + evil}}, id="header"),
        pytest.param(lambda evil: {"attachments": [Attachment(f"a{evil}.pdf", data=b"%PDF")]}, id="file"),
    ],
)
@pytest.mark.parametrize("evil", pick(IDS))
def test_message_of_ours(evil, make):
    """A message of ours has no injection: it quotes the payload, encodes it, or will not be sent."""
    message = Message(**{"subject": "Hi", "recipients": ["ann@x.org"], "sender": "shop@x.org", **make(evil)})

    assert_no_header_injection(message)


def test_message_that_cannot_be_written():
    """A message that cannot be written, whatever the reason, has no injection."""
    assert_no_header_injection(Message("Hi", ["ann@x.org"], sender=f"shop@x.org, {CANARY_ADDRESS}"))


def test_where_it_is():
    """The failure says which email it is, and what became of the payload."""
    emails = [write_carelessly(), write_carelessly(subject=f"Ann\r\n{CANARY_HEADER}: 1")]

    assert fail(emails) == (
        "header injection in [1] 'Ann' -> ann@x.org\n"
        "  X-Injection-Canary begins a line of the header\n"
        "  X-Injection-Canary is a header"
    )


def test_address_among_recipients():
    """An injected address in a header of addresses is reported with that header."""
    assert fail(write_carelessly(to=f"ann@x.org, {CANARY_ADDRESS}")) == (
        "header injection in 'Hi' -> ann@x.org\n"
        "  canary@injection.invalid is an address in To: 'ann@x.org, canary@injection.invalid'"
    )


def test_header_that_is_there_twice():
    """A header that may appear only once is an injection if it appears twice."""
    assert fail(write_carelessly(subject="Ann\r\nSubject: Bob")) == (
        "header injection in 'Ann' -> ann@x.org\n  Subject appears twice in the header"
    )


def test_header_of_a_part():
    """The headers of every part are looked at."""
    raw = (
        b"Subject: Hi\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nHello\r\n--b\r\n"
        b'Content-Type: application/pdf; name="a\r\nX-Injection-Canary: 1"\r\n\r\n%PDF\r\n--b--\r\n'
    )

    assert fail(raw) == (
        "header injection in 'Hi' -> nobody\n  X-Injection-Canary is a header of part 2, application/pdf"
    )


def test_separators_that_others_split_at():
    """A character at which some programs end a line begins a header of its own for them."""
    assert fail(write_carelessly(subject=f"Ann\x0b{CANARY_HEADER}: 1")).splitlines()[1:] == [
        "  X-Injection-Canary begins a line of the header"
    ]


def test_bare_line_feeds():
    """An email that has line feeds only is read as what it means."""
    assert_no_header_injection(write_carelessly().replace(b"\r\n", b"\n"))
    assert fail(write_carelessly(subject=f"Ann\n\n{CANARY_HEADER}: 1").replace(b"\r\n", b"\n")).splitlines()[
        1:
    ] == ["  the header ends early, and the body begins with 'X-Injection-Canary: 1'"]


def test_envelope():
    """The envelope is looked at: whom the server was told."""
    with Outbox.capture() as outbox:
        Mail(Flask("shop")).send_message("Hi", ["ann@x.org", CANARY_ADDRESS], sender="shop@x.org")

    assert fail(outbox) == (
        "header injection in [0] 'Hi' -> ann@x.org\n"
        "  canary@injection.invalid is an address in To: 'ann@x.org, canary@injection.invalid'\n"
        "  the envelope has the recipient 'canary@injection.invalid'"
    )


def test_address_within_a_quoted_local_part():
    """An address within the quotes of a recipient's local part is a part of that one address."""
    with Outbox.capture() as outbox:
        Mail(Flask("shop")).send_message("Hi", [f'"a, {CANARY_ADDRESS}"@x.org'], sender="shop@x.org")

    assert_no_header_injection(outbox)


def test_received_mail(app):
    """Emails that a server received are looked at in the same way."""
    with SMTPServer() as server:
        app.config.update(server.config)
        app.test_client().post("/contact", data={"name": "Ann"})

        assert_no_header_injection(server.mails)


@pytest.mark.parametrize(
    "emails",
    [
        pytest.param([], id="empty-outbox"),
        pytest.param(write_carelessly(), id="bytes"),
        pytest.param(write_carelessly().decode(), id="text"),
        pytest.param(EmailMessage(), id="standard-library"),
        pytest.param(Message("Hi", ["ann@x.org"], sender="shop@x.org"), id="message"),
        pytest.param((write_carelessly(), EmailMessage()), id="several"),
    ],
)
def test_what_can_be_looked_at(emails):
    """An outbox, several emails, one email, a message, bytes and text can be looked at."""
    assert_no_header_injection(emails)


@pytest.mark.parametrize("emails", [12, None, [12], Message], ids=repr)
def test_what_is_not_an_email(emails):
    """Anything else is an error, not a pass."""
    with pytest.raises(TypeError, match="mail"):
        assert_no_header_injection(emails)


def test_form_that_refuses(app):
    """A form passes by which every payload is refused or ends up harmless, and the emails stay here."""
    client = app.test_client()
    app.testing = True

    with Outbox.capture() as outbox:
        assert_rejects_injection(lambda evil: client.post("/contact", data={"name": "Ann" + evil}))

    assert 0 < len(outbox) < len(HEADER_INJECTIONS)


def test_form_that_answers_400(app):
    """A form passes that answers 400."""
    client = app.test_client()

    assert_rejects_injection(lambda evil: client.post("/polite", data={"name": "Ann" + evil}))


def test_form_that_breaks(app):
    """A form fails whose application answers 500, and names the exception that nothing caught."""
    client = app.test_client()
    app.logger.disabled = True

    with pytest.raises(AssertionError) as caught:
        assert_rejects_injection(lambda evil: client.post("/contact", data={"name": "Ann" + evil}))

    fault = (
        r"lf-header: was answered with 500,"
        r" because nothing caught BadHeaderError from .*test_injection.py:\d+\n"
    )
    assert re.search(fault, str(caught.value))
    assert "percent-encoded-header" not in str(caught.value)


def test_form_that_is_elsewhere(app):
    """A call that never reaches a form is not a refusal."""
    client = app.test_client()

    with pytest.raises(AssertionError) as caught:
        assert_rejects_injection(lambda evil: client.post("/contakt", data={"name": "Ann" + evil}))

    assert str(caught.value).splitlines()[:2] == [
        "30 of 30 payloads were neither refused nor harmless",
        "  crlf-header: was answered with 404: the call did not reach the form",
    ]


def test_call_that_lets_an_address_through(app):
    """A call fails that sends an email to the canary, and the failure says with which payload."""

    def invite(evil):
        Mail(app).send_message("Hi", f"ann@x.org{evil}".split(", "))

    with pytest.raises(AssertionError) as caught:
        assert_rejects_injection(invite)

    assert str(caught.value) == (
        "1 of 30 payloads were neither refused nor harmless\n"
        "  comma-address: canary@injection.invalid is an address in To:"
        " 'ann@x.org, canary@injection.invalid'\n"
        "  comma-address: the envelope has the recipient 'canary@injection.invalid'"
    )


def test_call_that_raises():
    """An error that is no refusal fails, and is shown."""
    with pytest.raises(AssertionError, match=r"\n  crlf-header: raised KeyError\('name'\)\n"):
        assert_rejects_injection(lambda evil: {}["name"])


def test_call_that_returns_bytes():
    """Bytes that the call returns are looked at."""
    with pytest.raises(AssertionError) as caught:
        assert_rejects_injection(lambda evil: write_carelessly(subject="Ann" + evil))

    assert str(caught.value).startswith(
        "24 of 30 payloads were neither refused nor harmless\n  crlf-header: X-"
    )


def test_call_that_aborts():
    """An HTTP error of the application is a refusal if its status is one."""
    assert_rejects_injection(lambda evil: abort(422))

    with pytest.raises(AssertionError, match="raised <NotFound '404: Not Found'>"):
        assert_rejects_injection(lambda evil: abort(404))
