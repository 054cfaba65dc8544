"""The header of a message: what stands there, in which form, and what may be added to it."""

from __future__ import annotations

import email
from datetime import date
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from email import policy
from email.header import decode_header
from email.header import make_header
from email.utils import parseaddr

import pytest
from flask import Flask

from flask_mail import AddressError
from flask_mail import BadHeaderError
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError


def render(**fields):
    """Return a message as bytes."""
    fields = {"subject": "Hi", "sender": "me@example.com", "recipients": "ann@example.com", **fields}
    return Message(**fields).as_bytes()


def parse(**fields):
    """Return a message as the standard library reads it."""
    return email.message_from_bytes(render(**fields), policy=policy.default)


def lines_of(name, **fields):
    """Return the lines of a header as they are written."""
    head = render(**fields).partition(b"\r\n\r\n")[0].replace(b"\r\n ", b"\n ").replace(b"\r\n\t", b"\n\t")
    [found] = [line for line in head.decode().split("\r\n") if line.startswith(f"{name}: ")]
    return found.split("\n")


def test_what_every_message_has():
    """A message has a sender, a recipient, a subject, a date and a Message-ID, and says that it is MIME."""
    names = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]

    assert parse().keys() == [*names, "Content-Transfer-Encoding"]


def test_a_message_to_hidden_recipients_has_no_to():
    """A message with nobody but hidden recipients has no To rather than an empty one."""
    assert "To" not in parse(recipients=None, bcc="ann@example.com")


SUBJECTS = {
    "ascii": "Your order",
    "umlauts": "Ihre Bestellung für März",
    "chinese": "您的订单已经发货",
    "emoji": "🎉 You won",
    "combining": "Cafe\u0301",
    "an encoded word": "=?utf-8?q?x?=",
    "part of an encoded word": "Why =? and ?= are odd",
    "space at the start": " Hi",
    "space at the end": "Hi ",
    "spaces": "   ",
    "spaces within": "a  b   c",
    "a tab": "a\tb",
    "umlauts and spaces": "ä  ö   ü",
    "a colon": "Re: AW: Fwd: Hi",
    "quotes": '"Hi" \\ <there>',
    "long": "word " * 50 + "end",
    "long and umlauts": "Wörter " * 50 + "Ende",
    "long without a space": "x" * 1000,
    "very long": "Ä" * 10_000,
    "no-break space": "a\xa0b",
    "byte order mark": "\ufeffHi",
    "right to left": "\u202eHi",
}


@pytest.mark.parametrize("charset", [None, "iso-8859-1", "iso-2022-jp"])
@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_a_subject_is_read_as_written(subject, charset):
    """A subject is read back exactly as it was given, in whichever charset it is written."""
    assert parse(subject=subject, charset=charset)["Subject"] == subject


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_no_line_of_a_header_is_too_long(subject):
    """A subject is folded before the 77th column."""
    assert max(map(len, lines_of("Subject", subject=subject))) <= 76


@pytest.mark.parametrize("name", ["ascii", "a colon", "quotes", "spaces within", "a tab", "long"])
def test_an_ascii_subject_is_not_encoded(name):
    """A subject in ASCII is readable on the wire."""
    assert "".join(lines_of("Subject", subject=SUBJECTS[name])) == f"Subject: {SUBJECTS[name]}"


def test_a_subject_is_written_in_the_charset_of_the_message():
    """A subject beyond ASCII is in the charset that the message asks for."""
    assert lines_of("Subject", subject="für", charset="iso-8859-1") == ["Subject: =?iso-8859-1?b?Zvxy?="]


def test_a_subject_outside_of_the_charset_is_written_in_utf_8():
    """A subject that the charset cannot hold is in UTF-8: the text matters more."""
    assert lines_of("Subject", subject="5 €", charset="iso-8859-1")[0].startswith("Subject: =?utf-8?")


def test_each_encoded_word_stands_for_whole_characters():
    """No character is cut in two by the end of an encoded word (RFC 2047 section 5)."""
    words = "".join(lines_of("Subject", subject="漢字" * 100)).split()[1:]

    assert {len(word) <= 75 for word in words} == {True}
    assert "".join(str(make_header(decode_header(word))) for word in words) == "漢字" * 100


LONG_NAMES = {
    "ascii": "Honourable " * 12 + "Committee",
    "a comma": "Honourable, " * 12 + "Committee",
    "umlauts": "Ehrenwürdiger " * 10 + "Ausschuß",
    "chinese": "委员会" * 40,
    "very long": "Honourable " * 1000 + "Committee",
    "very long, no space": "x" * 10_000,
}


@pytest.mark.parametrize("name", LONG_NAMES.values(), ids=LONG_NAMES)
def test_a_long_name_is_kept(name):
    """A display name of any length is read back exactly as it was given, and folded if need be."""
    lines = lines_of("To", recipients=[(name, "ann@example.com")])

    phrase, address = parseaddr("".join(lines)[4:])
    assert (str(make_header(decode_header(phrase))), address) == (name, "ann@example.com")
    assert max(map(len, lines)) <= 998


def test_many_recipients_are_folded():
    """A header of many addresses is folded between them."""
    recipients = [f"recipient-{number}@example.com" for number in range(50)]

    lines = lines_of("To", recipients=recipients)

    assert max(map(len, lines)) <= 78
    assert "".join(lines) == "To: " + ", ".join(recipients)


def test_a_long_unsubscribe_link_stays_a_link():
    """A List-Unsubscribe with a long URL is neither encoded nor cut."""
    link = f"<https://example.com/unsubscribe?token={'x' * 300}>"

    assert parse(extra_headers={"List-Unsubscribe": link})["List-Unsubscribe"] == link
    assert link.encode() in render(extra_headers={"List-Unsubscribe": link})


def test_two_ways_to_unsubscribe_are_folded_between_them():
    """A long List-Unsubscribe is folded at white space only."""
    link, address = f"<https://example.com/{'x' * 80}>", "<mailto:leave@example.com>"

    lines = lines_of("List-Unsubscribe", extra_headers={"List-Unsubscribe": f"{link}, {address}"})

    assert lines == [f"List-Unsubscribe: {link},", f" {address}"]


@pytest.mark.parametrize(
    "value", ["plain", "word " * 60 + "end", "x" * 900, '{"json": [1, 2, "=3D", "?"]}'], ids=len
)
def test_an_ascii_header_is_never_encoded(value):
    """A header of the user's in ASCII is on the wire as it was given, but for line ends before spaces."""
    assert "".join(lines_of("X-Note", extra_headers={"X-Note": value})) == f"X-Note: {value}"


@pytest.mark.parametrize(
    "value", ["für Änne", "漢字" * 100, " x ", "=?utf-8?q?x?=", "", 5, True, "für".encode()], ids=ascii
)
def test_an_extra_header_is_read_as_given(value):
    """A header of the user's may hold any text, and what becomes text."""
    expected = value.decode() if isinstance(value, bytes) else str(value)

    assert parse(extra_headers={"X-Note": value})["X-Note"] == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("From", "Other <other@example.com>"),
        ("To", "undisclosed-recipients:;"),
        ("Cc", "other@example.com"),
        ("Reply-To", "other@example.com"),
        ("Subject", "Other"),
        ("Date", "Mon, 01 Jan 2001 00:00:00 +0000"),
        ("Message-ID", "<other@example.com>"),
    ],
)
@pytest.mark.parametrize("spell", [str, str.lower, str.upper], ids=["as it is", "lower", "upper"])
def test_an_extra_header_replaces_the_messages_own(name, value, spell):
    """A header that the message would have anyway is replaced, not doubled, however its name is spelled."""
    mime = parse(cc="cc@example.com", reply_to="reply@example.com", extra_headers={spell(name): value})

    assert [str(found) for found in mime.get_all(name)] == [value]


def test_a_replaced_header_changes_no_recipient():
    """A To of the user's is for reading: the message goes to its recipients."""
    app = Flask("shop")
    app.config["MAIL_SUPPRESS_SEND"] = True
    message = Message(
        "Hi", "ann@example.com", sender="me@example.com", extra_headers={"To": "list@example.com"}
    )

    assert Mail(app).send(message).envelope.rcpt_tos == ["ann@example.com"]


def test_a_list_is_several_headers():
    """A list of values is the header several times, in order."""
    assert parse(extra_headers={"X-Tag": ["one", "two", "three"]}).get_all("X-Tag") == ["one", "two", "three"]


def test_headers_may_be_pairs():
    """Extra headers may be pairs of name and value, of which several may have one name."""
    assert parse(extra_headers=[("X-Tag", "one"), ("X-Tag", "two")]).get_all("X-Tag") == ["one", "two"]


def test_none_leaves_a_header_out():
    """A header that is None is not written, not even the message's own."""
    assert "Reply-To" not in parse(reply_to="reply@example.com", extra_headers={"Reply-To": None})


def test_mime_version_is_written_once():
    """MIME-Version among the extra headers is not doubled."""
    assert parse(extra_headers={"Mime-Version": "1.0"}).get_all("MIME-Version") == ["1.0"]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Bcc", "It would reveal the recipients: use bcc=."),
        ("resent-bcc", "It would reveal the recipients: use bcc=."),
        ("CONTENT-TYPE", "It is set automatically: use html=, alts= or charset=."),
        ("Content-Transfer-Encoding", "It is set automatically."),
    ],
)
def test_a_header_that_would_do_harm_is_refused(name, remedy):
    """A header that would show the hidden recipients or contradict the body is refused, with a remedy."""
    with pytest.raises(BadHeaderError) as caught:
        render(extra_headers={name: "1"})

    assert str(caught.value) == f"{name.title()} cannot be an extra header. {remedy}"


@pytest.mark.parametrize("value", ["text", 5, [("X-Note",)]], ids=ascii)
def test_headers_of_another_shape_are_refused(value):
    """Extra headers that are neither a mapping nor pairs are refused."""
    with pytest.raises(MessageError, match=r"^Headers cannot be "):
        render(extra_headers=value)


@pytest.mark.parametrize(
    ("value", "people"),
    [
        pytest.param("Jörg <joerg@example.com>", [("Jörg", "joerg@example.com")], id="one"),
        pytest.param("Müller, Jörg <joerg@example.com>", [("Müller, Jörg", "joerg@example.com")], id="comma"),
        pytest.param(
            'Jörg <joerg@example.com>, "Änne, A." <anne@example.com>, bob@example.com',
            [("Jörg", "joerg@example.com"), ("Änne, A.", "anne@example.com"), ("", "bob@example.com")],
            id="several",
        ),
    ],
)
def test_an_address_header_may_hold_any_name(value, people):
    """An address header of the user's with names beyond ASCII is read as meant."""
    found = parse(extra_headers={"Sender": None, "Resent-To": value})["Resent-To"].addresses

    assert [(one.display_name, one.addr_spec) for one in found] == people


def test_an_address_header_that_cannot_be_read_is_refused():
    """An address header beyond ASCII that holds no addresses is refused by name."""
    with pytest.raises(AddressError, match=r"^Sender: '\\xc4nne' is not an email address."):
        render(extra_headers={"Sender": "Änne"})


@pytest.mark.parametrize("name", ["List-Unsubscribe", "References", "List-ID", "Auto-Submitted"])
def test_a_structured_header_is_ascii(name):
    """A header with a syntax of its own cannot hold encoded words: text beyond ASCII is refused."""
    with pytest.raises(BadHeaderError) as caught:
        render(extra_headers={name: "<https://bücher.example/>"})

    assert str(caught.value) == (
        f"{name} must be ASCII: '<https://b\\xfccher.example/>'."
        " Percent-encode URLs, and write domains in their xn-- form."
    )


def test_a_structured_header_has_lines_that_servers_take():
    """A structured header that cannot be folded is refused when it is too long for a line."""
    with pytest.raises(
        BadHeaderError, match=r"^List-Unsubscribe is too long for a line: '<https://.*Shorten"
    ):
        render(extra_headers={"List-Unsubscribe": f"<https://example.com/{'x' * 1000}>"})


def test_default_headers_are_added():
    """MAIL_DEFAULT_HEADERS are in every message, but for those that the message sets itself."""
    app = Flask("shop")
    app.config["MAIL_DEFAULT_HEADERS"] = {"X-App": "shop", "X-Note": "default"}
    Mail(app)

    with app.app_context():
        mime = parse(extra_headers={"x-note": "own"})

    assert mime.get_all("X-App") == ["shop"]
    assert mime.get_all("X-Note") == ["own"]


@pytest.mark.parametrize(
    ("subject", "written"), [("Hi", "[Shop] Hi"), ("Grüße", "[Shop] Grüße"), ("", "[Shop]"), (None, "[Shop]")]
)
def test_a_prefix_stands_before_the_subject(subject, written):
    """MAIL_SUBJECT_PREFIX stands before each subject, and the message's own stays as it is."""
    app = Flask("shop")
    app.config["MAIL_SUBJECT_PREFIX"] = "[Shop] "
    Mail(app)

    with app.app_context():
        message = Message(subject, "ann@example.com", sender="me@example.com")
        mime = email.message_from_bytes(message.as_bytes(), policy=policy.default)

    assert mime["Subject"] == written
    assert message.subject == subject


def test_answers_go_where_the_setting_says():
    """MAIL_DEFAULT_REPLY_TO is where answers go, unless the message says so itself."""
    app = Flask("shop")
    app.config["MAIL_DEFAULT_REPLY_TO"] = ["Help <help@example.com>", "office@example.com"]
    Mail(app)

    with app.app_context():
        found = [parse()["Reply-To"], parse(reply_to="me@example.com")["Reply-To"]]

    assert found == ["Help <help@example.com>, office@example.com", "me@example.com"]


EASTERN = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    ("given", "written"),
    [
        pytest.param(
            datetime(2024, 2, 29, 13, 5, 9, tzinfo=EASTERN), "Thu, 29 Feb 2024 13:05:09 -0500", id="zone"
        ),
        pytest.param(datetime(2024, 12, 1, tzinfo=timezone.utc), "Sun, 01 Dec 2024 00:00:00 +0000", id="UTC"),
        pytest.param(
            datetime(1890, 1, 1, 12, tzinfo=timezone(timedelta(minutes=53, seconds=28))),
            "Wed, 01 Jan 1890 11:06:32 +0000",
            id="local mean time",
        ),
    ],
)
def test_a_date_may_be_a_datetime(given, written):
    """A datetime is written in the zone that it has."""
    assert lines_of("Date", date=given) == [f"Date: {written}"]


@pytest.mark.parametrize(
    "given", [1_700_000_000, 1_700_000_000.5, datetime.fromtimestamp(1_700_000_000)], ids=ascii
)
def test_a_date_without_a_zone_is_local(given):
    """Seconds since the epoch and a datetime without a zone are written in this machine's zone."""
    assert parse(date=given)["Date"].datetime.timestamp() == 1_700_000_000


@pytest.mark.parametrize("given", ["today", True, date(2024, 1, 1), (2024, 1, 1)], ids=ascii)
def test_a_date_that_is_no_moment_is_refused(given):
    """A date that is no moment is refused: the error shows it and says what to give."""
    with pytest.raises(MessageError) as caught:
        render(date=given)

    assert str(caught.value) == f"date {given!r} is not a date. Use seconds since the epoch, or a datetime."


@pytest.mark.parametrize("given", [float("nan"), float("inf"), 1e30, -1e30], ids=str)
def test_a_date_outside_of_the_calendar_is_refused(given):
    """A date that the machine's calendar does not have is refused."""
    with pytest.raises(MessageError, match=r"^date .* is out of range. Use one that datetime supports."):
        render(date=given)


@pytest.mark.parametrize("name", ["x" * 100, "X-Long-Name-" * 6])
def test_the_name_of_a_header_may_be_long(name):
    """A header with a long name holds any text."""
    assert parse(extra_headers={name: "Grüße aus Köln " * 20})[name] == "Grüße aus Köln " * 20
