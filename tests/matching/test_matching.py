"""IsMail: what each keyword means, with messages as applications write them.

What has no envelope of its own is matched as it will be sent. Sent and received emails are at the end.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from unittest import mock

import pytest
from flask import Flask

from flask_mail import Mail
from flask_mail import Message
from pytest_flask_mail import IsMail
from pytest_flask_mail import Outbox
from pytest_flask_mail import SMTPServer
from pytest_flask_mail._matching.matcher import check_fields


def write(**parts):
    """Return a message from the shop to Ann, but for what is given."""
    return Message(**{"subject": "Hi", "recipients": ["ann@x.org"], "sender": "shop@x.org", **parts})


def write_with_files():
    """Return a message with two files, and an image within its html."""
    message = write(html='<img src="cid:logo@x.org" alt="Shop">')
    message.attach("invoice-12.pdf", data=b"%PDF")
    message.attach("terms.pdf", data=b"%PDF-1.7")
    message.embed(b"\x89PNG", "logo.png", "image/png", cid="logo@x.org")
    return message


@pytest.fixture
def app():
    """Return an application whose bounces go to an address of their own."""
    app = Flask("shop")
    app.config.update(MAIL_DEFAULT_SENDER="Shop <shop@x.org>", MAIL_ENVELOPE_FROM="bounce@x.org")
    return app


class Equal:
    """Equal to a value that says so, as the matchers of other libraries are."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return other == self.value

    __hash__ = None


class Ticket(Message):
    """A message with more to it."""

    ticket = 12

    def close(self):
        """Do nothing."""


def test_string_is_the_whole_value():
    """A string is equal to the value, not a part of it."""
    mail = write(subject="Welcome to the Shop")

    assert IsMail(subject="Welcome to the Shop") == mail
    assert IsMail(subject="Welcome") != mail


def test_pattern_is_searched():
    """A compiled pattern is searched in the value."""
    mail = write(subject="Your invoice #12")

    assert IsMail(subject=re.compile(r"invoice #\d+$")) == mail
    assert IsMail(subject=re.compile(r"^invoice")) != mail


def test_function_is_asked():
    """A function is asked about the value."""
    mail = write(subject="Your invoice #12")

    assert IsMail(subject=str.istitle) != mail
    assert IsMail(subject=lambda subject: subject.endswith("12")) == mail


def test_function_is_not_asked_about_nothing():
    """A function is not asked about what an email does not have: the field does not fit."""
    mail = write(body="Hi")

    assert IsMail(html=lambda html: "<p>" in html) != mail


def test_object_is_compared():
    """Anything else is compared, which mock.ANY and dirty-equals make use of."""
    mail = write()

    assert IsMail(subject=mock.ANY, to=mock.ANY, headers={"From": mock.ANY}) == mail
    assert IsMail(subject=Equal("Hi")) == mail
    assert IsMail(subject=Equal("Hello")) != mail


def test_class_is_compared():
    """A class is compared rather than called: dirty-equals has classes that equal values."""
    mail = write()

    assert IsMail(subject=str) != mail


def test_all_fields_have_to_fit():
    """An email matches if every field does; without fields every email does."""
    mail = write(subject="Thanks", body="Bye")

    assert IsMail() == mail
    assert IsMail(subject="Thanks", body="Bye") == mail
    assert IsMail(subject="Thanks", body="Hi") != mail


@pytest.mark.parametrize("field", ["to", "recipients", "cc", "bcc", "reply_to"])
def test_address_is_one_of_several(field):
    """For addresses a string is one of them."""
    mail = write(**{"recipients" if field == "to" else field: ["ann@x.org", "bob@x.org"]})

    assert IsMail(**{field: "bob@x.org"}) == mail
    assert IsMail(**{field: "carl@x.org"}) != mail


def test_case_of_domain_does_not_count():
    """The domain is equal in upper and lower case; before the @ case counts."""
    mail = write(recipients=["Ann@Example.ORG"])

    assert IsMail(to="Ann@example.org") == mail
    assert IsMail(to="ann@example.org") != mail


def test_international_domain_in_both_forms():
    """A domain in ASCII is equal to the same in Unicode."""
    mail = write(recipients=["ann@bücher.example"])

    assert IsMail(to="ann@bücher.example") == mail
    assert IsMail(to="ann@xn--bcher-kva.example") == mail


def test_domain_that_is_no_unicode():
    """A domain that looks like ASCII for Unicode and is none stands for itself."""
    assert IsMail(to="ann@xn--9999999999.example") == b"To: ann@xn--9999999999.example\r\n\r\n"


def test_address_beyond_ascii():
    """An address is read from a header in UTF-8."""
    mail = write(recipients=["jörg@x.org"], subject="Grüße")

    assert IsMail(to="jörg@x.org", subject="Grüße") == mail


def test_display_name_is_ignored_unless_given():
    """A display name that is given has to be the same; one that is not does not count."""
    mail = write(recipients=['"Doe, Ann" <ann@x.org>'])

    assert IsMail(to="ann@x.org") == mail
    assert IsMail(to='"Doe, Ann" <ann@x.org>') == mail
    assert IsMail(to=("Doe, Ann", "ann@x.org")) == mail
    assert IsMail(to="Ann <ann@x.org>") != mail


def test_list_of_addresses_is_all_of_them():
    """A list or a set of addresses is all of them, in any order."""
    mail = write(recipients=["ann@x.org", "bob@X.ORG"])

    assert IsMail(to=["bob@x.org", "ann@x.org"]) == mail
    assert IsMail(to={"ann@x.org", "bob@x.org"}) == mail
    assert IsMail(to=["ann@x.org"]) != mail
    assert IsMail(to=["ann@x.org", "bob@x.org", "carl@x.org"]) != mail


def test_list_of_addresses_and_patterns():
    """In a list of addresses each pattern stands for an address of its own."""
    mail = write(recipients=["ann@x.org", "bob@y.org"])

    assert IsMail(to=[re.compile("@x.org$"), re.compile("@")]) == mail
    assert IsMail(to=[re.compile("@x.org$"), re.compile("^ann")]) != mail


def test_pattern_is_searched_in_each_address():
    """A pattern is searched in each address, and in each with its name."""
    mail = write(recipients=["Ann <ann@x.org>", "bob@x.org"])

    assert IsMail(to=re.compile("^bob@")) == mail
    assert IsMail(to=re.compile("^Ann <")) == mail
    assert IsMail(to=re.compile("^carl@")) != mail


def test_function_is_asked_about_each_address():
    """A function is asked about each address."""
    mail = write(recipients=["ann@x.org", "bob@y.org"])

    assert IsMail(to=lambda address: address.endswith("@y.org")) == mail
    assert IsMail(to=lambda address: address.endswith("@z.org")) != mail


def test_object_is_compared_with_all_addresses():
    """Anything else is compared with each address, and with the list of them."""
    mail = write(recipients=["ann@x.org", "bob@x.org"])

    assert IsMail(to=Equal("bob@x.org")) == mail
    assert IsMail(to=Equal(["ann@x.org", "bob@x.org"])) == mail


@pytest.mark.parametrize("nothing", [None, IsMail.MISSING, []], ids=repr)
def test_no_address(nothing):
    """None, MISSING and an empty list are for no address at all."""
    assert IsMail(cc=nothing) == write()
    assert IsMail(cc=nothing) != write(cc=["bob@x.org"])


def test_sender():
    """The sender is the author, whoever gets the bounces."""
    mail = write(sender=("The Shop", "shop@x.org"), envelope_from="bounce@x.org")

    assert IsMail(sender="shop@x.org", envelope_from="bounce@x.org") == mail
    assert IsMail(sender="The Shop <shop@x.org>") == mail


def test_no_return_path():
    """`<>` and MISSING are the empty return path."""
    with Outbox.capture() as outbox:
        Mail(Flask("shop")).send(write(envelope_from="<>"))

    assert IsMail(envelope_from="<>") == outbox[0]
    assert IsMail(envelope_from=IsMail.MISSING) == outbox[0]


def test_body_without_line_ends():
    """How lines end, and whether the last does, is no difference of body or html."""
    mail = write(body="Hi\nAnn\n", html="<p>Hi</p>")

    assert IsMail(body="Hi\r\nAnn") == mail
    assert IsMail(html="<p>Hi</p>\n") == mail
    assert IsMail(body="Hi Ann") != mail


def test_missing_html():
    """MISSING and None are for an email without html."""
    assert IsMail(html=IsMail.MISSING) == write(body="Hi")
    assert IsMail(html=None) == write(body="Hi")
    assert IsMail(html=IsMail.MISSING) != write(html="<p>Hi</p>")


def test_contains_is_for_text_and_html():
    """`contains` is for the text and the html, if there are both."""
    assert IsMail(contains="Welcome") == write(body="Welcome", html="<p>Welcome</p>")
    assert IsMail(contains="Welcome") != write(body="Hello", html="<p>Welcome</p>")
    assert IsMail(contains="Welcome") != write(body="Welcome", html="<p>Hello</p>")
    assert IsMail(contains="Welcome") == write(body="Welcome")


def test_contains_folds_white_space():
    """White space is equal to other white space in what an email contains."""
    mail = write(body="Welcome\n  to\xa0the shop")

    assert IsMail(body_contains="Welcome to the\tshop") == mail


def test_list_is_contained_in_its_order():
    """A list is contained in its order, a set in any."""
    mail = write(body="Total: 12.00 EUR")

    assert IsMail(body_contains=["Total", "12.00"]) == mail
    assert IsMail(body_contains=["12.00", "Total"]) != mail
    assert IsMail(body_contains={"12.00", "Total"}) == mail


def test_list_has_a_place_for_each():
    """What a list has twice is contained twice."""
    assert IsMail(body_contains=["12.00", "12.00"]) != write(body="Total: 12.00")
    assert IsMail(body_contains=["12.00", "12.00"]) == write(body="12.00 and 12.00")


def test_html_contains_what_is_shown():
    """In html, what a reader sees counts, whatever tags and entities it is written with."""
    mail = write(html="<table><tr><td>Fish &amp; <b>Chips</b></td><td>12.00</td></tr></table>")

    assert IsMail(html_contains=["Fish & Chips", "12.00"]) == mail
    assert IsMail(html_contains="Chips12.00") != mail


def test_html_contains_its_source():
    """In html, the source counts as well."""
    mail = write(html='<a href="https://x.org/">Shop</a>')

    assert IsMail(html_contains='href="https://x.org/"') == mail


def test_pattern_in_what_is_contained():
    """A pattern is searched in the text as it is written, and with its white space folded."""
    mail = write(body="Total:\n12.00 EUR")

    assert IsMail(body_contains=re.compile(r"^12\.00", re.MULTILINE)) == mail
    assert IsMail(body_contains=re.compile(r"Total: \d+")) == mail


def test_function_is_asked_about_what_is_contained():
    """A function is asked about the text."""
    mail = write(body="Total: 12.00 EUR")

    assert IsMail(body_contains=str.isascii) == mail
    assert IsMail(body_contains=str.isdigit) != mail


def test_html_contains_nothing_without_html():
    """`html_contains` does not fit an email without html."""
    assert IsMail(html_contains="Hi") != write(body="Hi")


def test_header():
    """A header is compared by its decoded value; case in its name does not count."""
    mail = write(extra_headers={"X-Tag": "Grüße"})

    assert IsMail(headers={"x-tag": "Grüße"}) == mail
    assert IsMail(headers={"X-Tag": re.compile("^Gr")}) == mail
    assert IsMail(headers={"X-Tag": "Hallo"}) != mail


def test_missing_header():
    """MISSING is for a header that is not there."""
    assert IsMail(headers={"X-Tag": IsMail.MISSING}) == write()
    assert IsMail(headers={"X-Tag": IsMail.MISSING}) != write(extra_headers={"X-Tag": "a"})
    assert IsMail(headers={"X-Tag": mock.ANY}) != write()


def test_all_headers():
    """What is no dict is asked about, or compared with, all headers."""
    mail = b"Subject: Hi\r\nX-Tag: a\r\n\r\n"

    assert IsMail(headers=Equal({"Subject": "Hi", "X-Tag": "a"})) == mail
    assert IsMail(headers=lambda headers: "X-Tag" in headers) == mail
    assert IsMail(headers=lambda headers: "X-Other" in headers) != mail


def test_header_that_is_there_twice():
    """Of a header that is there twice one value has to fit; a list is all values in order."""
    mail = write(extra_headers={"X-Tag": ["a", "b"]})

    assert IsMail(headers={"X-Tag": "b"}) == mail
    assert IsMail(headers={"X-Tag": ["a", "b"]}) == mail
    assert IsMail(headers={"X-Tag": ["b", "a"]}) != mail
    assert IsMail(headers={"X-Tag": ["a"]}) != mail


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param("terms.pdf", id="name"),
        pytest.param("invoice-*.pdf", id="glob"),
        pytest.param(re.compile(r"-\d+\.pdf$"), id="pattern"),
        pytest.param(lambda file: file.data == b"%PDF", id="function"),
        pytest.param("logo.png", id="within-html"),
        pytest.param(["terms.pdf", "invoice-*"], id="several"),
    ],
)
def test_attachment(wanted):
    """`attachment` is a file of the email, by name, glob, pattern or what a function says of it."""
    assert IsMail(attachment=wanted) == write_with_files()


@pytest.mark.parametrize(
    "wanted", ["invoice-*.png", "Terms.pdf", ["terms.pdf", "report.pdf"], IsMail.MISSING]
)
def test_other_attachment(wanted):
    """`attachment` does not fit if the email has no such file, or any where none is wanted."""
    assert IsMail(attachment=wanted) != write_with_files()


def test_name_with_brackets():
    """A file name that would be a glob is found by itself."""
    mail = write()
    mail.attach("report[1].csv", data="a;b")

    assert IsMail(attachment="report[1].csv") == mail


def test_attachments():
    """`attachments` are all files but those within the html: a list in order, a set in any."""
    mail = write_with_files()

    assert IsMail(attachments=["invoice-*.pdf", "terms.pdf"]) == mail
    assert IsMail(attachments={"terms.pdf", "invoice-*.pdf"}) == mail
    assert IsMail(attachments=["terms.pdf", "invoice-*.pdf"]) != mail
    assert IsMail(attachments=["terms.pdf"]) != mail


@pytest.mark.parametrize("nothing", [None, IsMail.MISSING, []], ids=repr)
def test_no_attachments(nothing):
    """None, MISSING and an empty list are for no files."""
    assert IsMail(attachments=nothing) == write()
    assert IsMail(attachments=nothing) != write_with_files()


def test_charset():
    """The charset is that of the text, in any case."""
    mail = write(body="Grüße", charset="iso-8859-1")

    assert IsMail(charset="ISO-8859-1") == mail
    assert IsMail(charset="utf-8") != mail


def test_message_id():
    """The Message-ID is equal with and without its angle brackets."""
    mail = write(message_id="<12@x.org>")

    assert IsMail(message_id="<12@x.org>") == mail
    assert IsMail(message_id="12@x.org") == mail
    assert IsMail(message_id="13@x.org") != mail


def test_type():
    """`type` is which bodies there are, or the content type of the whole."""
    both = write(body="Hi", html="<p>Hi</p>")

    assert IsMail(type="text") == write(body="Hi")
    assert IsMail(type="text+html") == both
    assert IsMail(type="multipart/alternative") == both
    assert IsMail(type=re.compile("^multipart/")) == both
    assert IsMail(type="html") != both


def test_attribute_of_a_subclass():
    """A keyword that is no field is an attribute of the email."""
    mail = Ticket("Hi", ["ann@x.org"], sender="shop@x.org", date=86400)

    assert IsMail(ticket=12) == mail
    assert IsMail(ticket=lambda number: number > 10, date=86400) == mail
    assert IsMail(ticket=13) != mail


def test_misspelt_field():
    """A keyword that looks like a misspelt field is refused at once, naming the field."""
    with pytest.raises(TypeError, match=r"^IsMail has no field 'recipient'\. Did you mean 'recipients'\?$"):
        IsMail(recipient="ann@x.org")


@pytest.mark.parametrize(
    "name", ["ticket", "date", "alts", "extra_headers", "mail_options", "envelope", "raw"]
)
def test_names_that_are_no_mistakes(name):
    """A keyword that may well be an attribute is accepted."""
    check_fields([name])


def test_attribute_that_is_missing():
    """An attribute that an email lacks is an error when the email is matched, naming the nearest field."""
    matcher = IsMail(html_body="<p>Hi</p>")

    text = "IsMail has no field 'html_body', and Message has no such attribute. Did you mean 'html'?"
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        matcher in [write()]  # noqa: B015 # raises


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("from_email", "sender"),
        ("from_addr", "sender"),
        ("mail_from", "envelope_from"),
        ("rcpt_tos", "envelope_to"),
        ("text", "body"),
    ],
)
def test_name_from_another_library(name, field):
    """What other libraries call a field leads to ours."""
    with pytest.raises(TypeError, match=rf"Did you mean '{field}'\?$"):
        IsMail(**{name: "shop@x.org"}).misses(write())


def test_name_that_is_like_no_field():
    """A keyword that is like no field lists the fields."""
    with pytest.raises(TypeError, match=r"The fields are to, .*, type\.$"):
        IsMail(xyzzy=1).misses(write())


def test_method_is_no_attribute():
    """The methods of an email are no attributes to match."""
    mail = Ticket("Hi", ["ann@x.org"], sender="shop@x.org")

    with pytest.raises(TypeError, match=r"^IsMail has no field 'close'"):
        IsMail(close=None).misses(mail)


def test_operators_of_a_list():
    """`in`, `count`, `index` and `==` of a list of emails work with IsMail."""
    emails = [write(subject="Thanks"), write(subject="Bye"), write(subject="Thanks")]

    assert IsMail(subject="Bye") in emails
    assert IsMail(subject="Hi") not in emails
    assert emails.count(IsMail(subject="Thanks")) == 2
    assert emails.index(IsMail(subject="Bye")) == 1
    assert emails == [IsMail(subject="Thanks"), IsMail(subject="Bye"), IsMail()]
    assert emails != [IsMail(subject="Thanks"), IsMail(subject="Bye")]


def test_what_is_no_mail():
    """IsMail is equal to no other things, but to an IsMail of the same fields."""
    assert IsMail() != "mail"
    assert IsMail() != 12
    assert IsMail(subject="Hi") == IsMail(subject="Hi")
    assert IsMail(subject="Hi") != IsMail(subject="Bye")


def test_what_cannot_be_read():
    """To ask for the misses of something that is not an email is an error."""
    with pytest.raises(
        TypeError, match=r"^12 is not an email\. Pass one from an outbox or a server, a Message, or bytes\.$"
    ):
        IsMail().misses(12)


def test_matcher_has_no_hash():
    """IsMail cannot be in a set, where it would not be found by what it equals."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(IsMail())


@pytest.mark.parametrize(
    ("matcher", "text"),
    [
        (IsMail(), "IsMail()"),
        (IsMail(to="ann@x.org", subject="Hi"), "IsMail(to='ann@x.org', subject='Hi')"),
        (IsMail(subject=re.compile("^Hi")), "IsMail(subject=re.compile('^Hi'))"),
        (IsMail(to={"b@x.org", "a@x.org"}), "IsMail(to={'a@x.org', 'b@x.org'})"),
        (IsMail(headers={"X-A": IsMail.MISSING}), "IsMail(headers={'X-A': IsMail.MISSING})"),
        (IsMail(contains=["a", len]), "IsMail(contains=['a', <built-in function len>])"),
        (IsMail(body=write), "IsMail(body=<function write>)"),
    ],
    ids=str,
)
def test_repr(matcher, text):
    """The repr is what was written, the same in every run."""
    assert repr(matcher) == text


def test_misses():
    """The misses say field, wanted value and value, the same ones that gave the verdict."""
    [miss] = IsMail(to="ann@x.org", subject="Bye").misses(write(subject="Hi"))

    assert miss == ("subject", "subject", "Bye", "Hi", False)


def test_matched():
    """Fields count once, however many misses they have."""
    matcher = IsMail(to="ann@x.org", headers={"X-A": "a", "X-B": "b"})

    assert len(matcher.misses(write())) == 2
    assert matcher.matched(write()) == 1


def test_sent_mail(app):
    """A sent mail is matched as it was sent, with what the settings added."""
    app.config.update(MAIL_SUBJECT_PREFIX="[Shop] ", MAIL_DEFAULT_HEADERS={"X-Tag": "a"})

    with Outbox.capture() as outbox:
        Mail(app).send_message("Hi", ["ann@x.org"], bcc=["eve@x.org"])

    assert IsMail(subject="[Shop] Hi", sender="shop@x.org", headers={"X-Tag": "a"}) == outbox[0]
    assert IsMail(envelope_from="bounce@x.org", envelope_to=["ann@x.org", "eve@x.org"]) == outbox[0]
    assert IsMail(to="ann@x.org", bcc=["eve@x.org"]) == outbox[0]


def test_sent_mail_on_the_left(app):
    """A sent mail is matched in the same way on the left of `==`, and by `in`."""
    with Outbox.capture() as outbox:
        Mail(app).send_message("Hi", ["ann@x.org"])

    assert outbox[0] == IsMail(envelope_from="bounce@x.org")
    assert IsMail(envelope_from="bounce@x.org") in outbox


def test_received_mail(app):
    """An email that a server received is matched too; its Bcc are the recipients that no header names."""
    with SMTPServer() as server:
        app.config.update(server.config)
        Mail(app).send_message("Hi", ["Ann <ann@x.org>"], body="Hello", cc=["bob@x.org"], bcc=["eve@x.org"])

        [mail] = server.mails

    assert IsMail(to="Ann <ann@x.org>", cc="bob@x.org", bcc=["eve@x.org"], body="Hello") == mail
    assert IsMail(envelope_from="bounce@x.org", envelope_to="eve@x.org") == mail


def test_bytes():
    """Bytes are matched as an email."""
    raw = b"From: shop@x.org\r\nTo: ann@x.org\r\nSubject: Hi\r\n\r\nHello\r\n"

    assert IsMail(to="ann@x.org", subject="Hi", body="Hello", type="text") == raw


def test_mail_of_the_standard_library():
    """An EmailMessage is matched as an email."""
    mail = EmailMessage()
    mail["To"], mail["Bcc"], mail["Subject"] = "ann@x.org", "eve@x.org", "Hi"
    mail.set_content("Hello")

    assert IsMail(to="ann@x.org", bcc="eve@x.org", subject="Hi", body="Hello") == mail


def test_mail_without_anything():
    """An email without any header has none of them."""
    assert IsMail(to=None, sender=None, subject="", message_id=None, charset=None, attachment=None) == b"\r\n"


PAIR = ("Évil, <admin@corp.example>", "a@example.org")
SAME = ("eve@example.org", "a@example.org")


@pytest.mark.parametrize(
    ("field", "given", "wanted"),
    [
        ("recipients", [PAIR], {"to": PAIR}),
        ("recipients", [PAIR], {"to": [PAIR]}),
        ("recipients", [PAIR, "bob@example.org"], {"to": ["bob@example.org", PAIR]}),
        ("recipients", [SAME], {"to": [SAME]}),
        ("recipients", SAME, {"to": SAME}),
        ("recipients", [PAIR], {"envelope_to": ("", "a@example.org")}),
        ("recipients", [Address("Évil", "a", "example.org")], {"to": Address("Évil", "a", "example.org")}),
        ("cc", [PAIR], {"cc": PAIR}),
        ("bcc", [PAIR], {"bcc": ("", "a@example.org")}),
        ("reply_to", PAIR, {"reply_to": PAIR}),
        ("reply_to", SAME, {"reply_to": SAME}),
        ("sender", PAIR, {"sender": PAIR}),
        ("sender", SAME, {"sender": SAME}),
    ],
    ids=str,
)
def test_a_pair_means_what_a_message_takes_it_for(app, field, given, wanted):
    """What a message was given as a pair, or as two addresses, is what an assertion wants with the same."""
    with Outbox.capture() as outbox, app.app_context():
        Mail(app).send(
            Message("Hi", **{"recipients": ["zoe@example.org"], "sender": "me@example.org", field: given})
        )

        assert outbox[0] == IsMail(**wanted)


def test_what_is_no_address_is_nobody(app):
    """A list with a text in it that is no address is not that of an email to the others."""
    with Outbox.capture() as outbox, app.app_context():
        Mail(app).send(Message("Hi", ["ann@example.org"], sender="me@example.org"))

        assert outbox[0] != IsMail(to=["ann@example.org", "Ann Smith"])
