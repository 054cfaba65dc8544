"""Whom a message is from and whom it goes to: what a user writes as an address, and what becomes of it."""

from __future__ import annotations

import sys
from email import message_from_string
from email import policy
from email.headerregistry import Address
from email.headerregistry import Group
from time import perf_counter

import pytest
from flask import Flask
from werkzeug.local import LocalProxy

from flask_mail import AddressError
from flask_mail import Mail
from flask_mail import Message

HEADERS = {"sender": "From", "recipients": "To", "cc": "Cc", "reply_to": "Reply-To"}
FIELDS = [*HEADERS, "bcc"]
MANY = ["recipients", "cc", "reply_to"]


class Lazy:
    """A translation: text when it is asked for, with the methods of text."""

    def __str__(self):
        return "Ann <ann@example.com>"

    def __getattr__(self, name):
        return getattr(str(self), name)


@pytest.fixture
def send():
    """Return a function that sends a message without a server and returns its envelope."""
    app = Flask("shop")
    app.config["MAIL_SUPPRESS_SEND"] = True
    mail = Mail(app)

    def send_message(**fields):
        fields = {"sender": "me@example.com", "recipients": ["you@example.com"], **fields}
        return mail.send(Message("Hi", **fields)).envelope

    return send_message


def read(envelope, name):
    """Return names and addresses in a header."""
    mime = message_from_string(envelope.content.decode(), policy=policy.default)
    return [(found.display_name, found.addr_spec) for found in mime[name].addresses]


WAYS = {
    "bare": ("ann@example.com", ("", "ann@example.com")),
    "in angles": ("<ann@example.com>", ("", "ann@example.com")),
    "named": ("Ann Smith <ann@example.com>", ("Ann Smith", "ann@example.com")),
    "named, no space": ("Ann<ann@example.com>", ("Ann", "ann@example.com")),
    "in a comment": ("ann@example.com (Ann Smith)", ("Ann Smith", "ann@example.com")),
    "tuple": (("Ann Smith", "ann@example.com"), ("Ann Smith", "ann@example.com")),
    "tuple without a name": (("", "ann@example.com"), ("", "ann@example.com")),
    "tuple with None": ((None, "ann@example.com"), ("", "ann@example.com")),
    "address object": (Address("Ann Smith", "ann", "example.com"), ("Ann Smith", "ann@example.com")),
    "lazy": (Lazy(), ("Ann", "ann@example.com")),
    "proxy": (LocalProxy(lambda: "Ann <ann@example.com>"), ("Ann", "ann@example.com")),
    "bytes": ("Änne <ann@example.com>".encode(), ("Änne", "ann@example.com")),
    "comma": ("Doe, John <ann@example.com>", ("Doe, John", "ann@example.com")),
    "comma in a tuple": (("Foo, Bar & Sons", "ann@example.com"), ("Foo, Bar & Sons", "ann@example.com")),
    "comma and umlaut": ("Müller, Jörg <ann@example.com>", ("Müller, Jörg", "ann@example.com")),
    "semicolon": ("Doe; John <ann@example.com>", ("Doe; John", "ann@example.com")),
    "colon": ("Team: Sales <ann@example.com>", ("Team: Sales", "ann@example.com")),
    "at sign": ("ann@work <ann@example.com>", ("ann@work", "ann@example.com")),
    "dot": ("John Q. Public <ann@example.com>", ("John Q. Public", "ann@example.com")),
    "quoted": ('"Doe, John" <ann@example.com>', ("Doe, John", "ann@example.com")),
    "quotes within": ('"John \\"J\\" Doe" <ann@example.com>', ('John "J" Doe', "ann@example.com")),
    "quotes in a tuple": (('John "J" Doe', "ann@example.com"), ('John "J" Doe', "ann@example.com")),
    "backslash": (("John\\Doe", "ann@example.com"), ("John\\Doe", "ann@example.com")),
    "parentheses": ("Ann (Sales) <ann@example.com>", ("Ann (Sales)", "ann@example.com")),
    "apostrophe": ("Ann O'Hara <ann@example.com>", ("Ann O'Hara", "ann@example.com")),
    "chinese": ("王安 <ann@example.com>", ("王安", "ann@example.com")),
    "emoji": ("Ann 🎉 <ann@example.com>", ("Ann 🎉", "ann@example.com")),
    "an address in the name": (
        ("Évil, <admin@corp.example>", "ann@example.com"),
        ("Évil, <admin@corp.example>", "ann@example.com"),
    ),
    "an encoded word": ("=?utf-8?q?Eve?= <ann@example.com>", ("=?utf-8?q?Eve?=", "ann@example.com")),
    "second angle": ("Ann <ann@example.com>>", ("Ann", "ann@example.com")),
    "plus": ("ann+news@example.com", ("", "ann+news@example.com")),
    "quoted local part": ('"ann smith"@example.com', ("", '"ann smith"@example.com')),
    "at in the local part": ('Ann <"ann@home"@example.com>', ("Ann", '"ann@home"@example.com')),
    "needless quotes": ('"ann"@example.com', ("", "ann@example.com")),
    "international domain": ("ann@bücher.example", ("", "ann@xn--bcher-kva.example")),
    "international local part": ("jürgen@example.com", ("", "jürgen@example.com")),
    "address literal": ("ann@[192.0.2.1]", ("", "ann@[192.0.2.1]")),
}


@pytest.mark.parametrize(("given", "meant"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("field", HEADERS)
def test_an_address_is_read_as_meant(send, field, given, meant):
    """However an address is written, name and address arrive as they were meant."""
    envelope = send(**{field: given if field == "sender" else [given]})

    assert read(envelope, HEADERS[field]) == [meant]


@pytest.mark.parametrize(("given", "meant"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("field", ["recipients", "cc", "bcc"])
def test_the_envelope_has_the_bare_address(send, field, given, meant):
    """Whoever gets the message is in the envelope once, without a name."""
    envelope = send(**{"recipients": None, field: [given]})

    assert envelope.rcpt_tos == [meant[1]]


@pytest.mark.parametrize(("given", "meant"), WAYS.values(), ids=WAYS)
def test_the_return_path_is_the_senders_bare_address(send, given, meant):
    """The envelope's sender is the bare address of the sender, never empty and never a name."""
    assert send(sender=given).mail_from == meant[1]


ALONE = ["bare", "named", "tuple", "comma", "comma in a tuple", "address object", "lazy", "proxy", "bytes"]


@pytest.mark.parametrize("way", ALONE)
@pytest.mark.parametrize("field", MANY)
def test_one_address_needs_no_list(send, field, way):
    """A single address is one address, not a list of its letters or halves."""
    given, meant = WAYS[way]

    assert read(send(**{field: given}), HEADERS[field]) == [meant]


@pytest.mark.parametrize("way", ALONE)
def test_one_hidden_address_needs_no_list(send, way):
    """A single address in bcc is one address."""
    given, meant = WAYS[way]

    assert send(bcc=given).rcpt_tos == ["you@example.com", meant[1]]


@pytest.mark.parametrize("field", MANY)
def test_addresses_keep_their_order(send, field):
    """Several addresses stand in their header in the order given."""
    envelope = send(**{field: ["zoe@example.com", ["Ann", "ann@example.com"], "Mia <mia@example.com>"]})

    assert read(envelope, HEADERS[field]) == [
        ("", "zoe@example.com"),
        ("Ann", "ann@example.com"),
        ("Mia", "mia@example.com"),
    ]


def test_a_sender_may_be_a_pair_from_json(send):
    """A pair that JSON made a list is a pair."""
    assert read(send(sender=["Ann", "ann@example.com"]), "From") == [("Ann", "ann@example.com")]


@pytest.mark.parametrize("field", ["recipients", "cc"])
def test_a_tuple_may_hold_two_addresses(send, field):
    """Two addresses in a tuple are two recipients, not a name and an address."""
    envelope = send(**{field: ("ann@example.com", "bob@example.com")})

    assert read(envelope, HEADERS[field]) == [("", "ann@example.com"), ("", "bob@example.com")]


@pytest.mark.parametrize("field", ["recipients", "cc", "bcc"])
def test_any_iterable_of_addresses_will_do(send, field):
    """A generator of addresses is read once, when the message is made."""
    envelope = send(**{"recipients": None, field: (f"{name}@example.com" for name in ("ann", "bob"))})

    assert envelope.rcpt_tos == ["ann@example.com", "bob@example.com"]


def test_answers_may_go_to_a_generator(send):
    """A generator of addresses for answers is read once, when the message is made."""
    envelope = send(reply_to=(f"{name}@example.com" for name in ("ann", "bob")))

    assert read(envelope, "Reply-To") == [("", "ann@example.com"), ("", "bob@example.com")]


def test_a_generator_set_later_is_refused(send):
    """A generator set as an attribute could be read once only and is refused, not sent to nobody."""
    message = Message("Hi", sender="me@example.com")
    message.cc = (address for address in ["ann@example.com"])

    with pytest.raises(AddressError, match=r"^cc is an iterator, which can be read only once. Pass a list"):
        message.as_bytes()


def test_a_set_has_the_same_order_in_every_process(send):
    """The order of a set of addresses does not change with the hash seed."""
    envelope = send(recipients={"zoe@example.com", "ann@example.com", "mia@example.com"})

    assert envelope.rcpt_tos == ["ann@example.com", "mia@example.com", "zoe@example.com"]


@pytest.mark.parametrize("field", FIELDS)
def test_the_callers_list_stays_as_it_is(field):
    """A message keeps a list of its own: adding to it does not change the caller's."""
    mine = ["ann@example.com"]
    message = Message("Hi", recipients=mine)

    message.add_recipient("bob@example.com")

    assert mine == ["ann@example.com"]
    assert message.recipients == ["ann@example.com", "bob@example.com"]


@pytest.mark.parametrize(
    "spellings",
    [
        pytest.param(["ann@example.com", "Ann <ann@example.com>"], id="with a name"),
        pytest.param(["ann@example.com", "ann@EXAMPLE.com"], id="case of the domain"),
        pytest.param(["ann@bücher.example", "ann@xn--bcher-kva.example"], id="form of the domain"),
        pytest.param(["ann@example.com", '"ann"@example.com'], id="quotes"),
        pytest.param(["ann@example.com", ("Ann", "ann@example.com"), "<ann@example.com>"], id="three ways"),
    ],
)
def test_one_address_gets_one_copy(send, spellings):
    """An address that is given twice, however it is spelled, is one recipient: the first."""
    envelope = send(recipients=spellings)

    assert len(envelope.rcpt_tos) == 1
    assert len(read(envelope, "To")) == 1


def test_one_address_in_several_fields_gets_one_copy(send):
    """An address in recipients, cc and bcc is one recipient."""
    envelope = send(recipients=["ann@example.com"], cc=["Ann <ann@example.com>"], bcc=["ann@EXAMPLE.COM"])

    assert envelope.rcpt_tos == ["ann@example.com"]


def test_the_case_of_a_local_part_counts(send):
    """Two addresses whose local parts differ in case are two (RFC 5321 section 2.4)."""
    assert send(recipients=["ann@example.com", "Ann@example.com"]).rcpt_tos == [
        "ann@example.com",
        "Ann@example.com",
    ]


def test_a_hidden_address_is_in_no_header(send):
    """An address in bcc receives the message and is not in it."""
    envelope = send(bcc=["eve@example.com"])

    assert envelope.rcpt_tos == ["you@example.com", "eve@example.com"]
    assert b"eve@example.com" not in envelope.content


def test_a_user_of_this_machine_has_no_domain(send):
    """A name without a domain is a user of the mail server itself."""
    assert send(recipients=["root"]).rcpt_tos == ["root"]


def test_a_name_may_be_long(send):
    """A name of over a hundred characters arrives as it is."""
    name = (
        "The Honourable Committee for the Preservation and Improvement of Very Long Names, Northern Branch "
        * 2
    )

    assert read(send(recipients=[(name, "ann@example.com")]), "To") == [(name, "ann@example.com")]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value",
    [
        "ann@example.com, bob@example.com",
        "ann@example.com; bob@example.com",
        "ann@example.com bob@example.com",
        "Ann <ann@example.com>, Bob <bob@example.com>",
        "Ann <ann@example.com>, bob@example.com",
    ],
)
def test_several_addresses_in_one_string_are_refused(send, field, value):
    """A string with several addresses is refused, as none may get lost: the error names field and remedy."""
    with pytest.raises(AddressError) as caught:
        send(**{field: value})

    assert str(caught.value).startswith(f"{field}: {value!r} contains several addresses in one string.")
    assert "Pass them as a list, one string for each." in str(caught.value)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value",
    ["undisclosed-recipients:;", "Friends: ann@example.com, bob@example.com;", Group("Friends")],
    ids=str,
)
def test_a_group_is_refused(send, field, value):
    """A group of addresses is refused: the error says what to give instead."""
    with pytest.raises(
        AddressError, match=r"is a group \(RFC 5322 section 3.4\). Pass its members as a list."
    ):
        send(**{field: value})


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "value",
    [
        "Ann Smith", "ann@", "@example.com", "ann@@example.com", "ann smith@example.com", "ann@exa mple.com",
        "ann@.com", "ann@example..com", "Ann <ann@example.com", "Ann <>", "Ann ann@example.com>", "ann@[]",
        "ann@example.com:25", " ", "<", "änne", ("Ann", ""), ("Ann", "ann@exa>mple.com"),
        ("Ann", "a@b", "c"), ("Ann", 5),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_address_is_refused(send, field, value):
    """What cannot be read as an address is refused: the error names field, value and how to write it."""
    with pytest.raises(AddressError) as caught:
        send(**{field: [value] if field != "sender" else value})

    assert str(caught.value).startswith(f"{field}: {ascii(value)} is not ")
    assert 'Write "ann@example.com", "Ann <ann@example.com>" or ("Ann", "ann@example.com").' in str(
        caught.value
    )


@pytest.mark.parametrize("value", [5, 1.5, object], ids=ascii)
def test_what_is_no_text_is_refused(value):
    """Something that is neither text nor a list of addresses is refused when the message is made."""
    with pytest.raises(AddressError, match="is not an email address"):
        Message("Hi", recipients=value)


@pytest.mark.parametrize("field", FIELDS)
def test_bytes_that_are_not_text_are_refused(send, field):
    """An address in bytes that are not UTF-8 is refused by name."""
    with pytest.raises(
        ValueError, match=rf"^{field} is not valid UTF-8: b'\\xe4@example.com'. Pass a string.$"
    ):
        send(**{field: b"\xe4@example.com"})


@pytest.mark.parametrize(
    "value", ["=?utf-8?q?eve?=@example.com", '"=?utf-8?q?eve?="@example.com', "a=?b@example.com"]
)
@pytest.mark.parametrize("field", FIELDS)
def test_an_encoded_word_in_an_address_is_refused(send, field, value):
    """An address that some programs would decode into another one is refused."""
    with pytest.raises(
        AddressError, match=r"contains an encoded word \(RFC 2047\), which is not allowed in an address"
    ):
        send(**{field: value})


@pytest.mark.parametrize("field", FIELDS)
def test_an_address_has_a_length(send, field):
    """An address longer than any server need accept is refused."""
    with pytest.raises(AddressError, match=r"is longer than an address can be"):
        send(**{field: "x" * 309 + "@example.com"})


def test_the_longest_address_is_sent(send):
    """An address of 320 octets is no error."""
    assert send(recipients="x" * 308 + "@example.com").rcpt_tos == ["x" * 308 + "@example.com"]


def test_an_error_is_short():
    """An error shows the beginning of a long value only."""
    with pytest.raises(AddressError) as caught:
        Message("Hi", ["word " * 100_000]).as_bytes()

    assert "'word word" in str(caught.value)
    assert "... (500002 characters)" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_international_domains_follow_the_newer_standard(send):
    """A domain is written by IDNA 2008: eszett stays itself."""
    assert send(recipients="ann@faß.example").rcpt_tos == ["ann@xn--fa-hia.example"]


def test_without_the_idna_package_the_older_standard_is_used(send, monkeypatch):
    """Where the idna package is missing, a domain is written by IDNA 2003, which the standard library has."""
    monkeypatch.setitem(sys.modules, "idna", None)

    assert send(recipients="ann@bücher-ohne-idna.example").rcpt_tos == ["ann@xn--bcher-ohne-idna-zvb.example"]


@pytest.mark.parametrize(
    "domain", ["ä..example", "-ä-.example", "ä" * 70 + ".example", "\u2100.example", "ä\u200b@"]
)
def test_a_domain_that_cannot_be_is_refused(send, domain):
    """A domain beyond ASCII that no registry would have is refused."""
    with pytest.raises(AddressError, match=r"is not valid in IDNA|is not an email address"):
        send(recipients=f"ann@{domain}")


def test_an_international_local_part_needs_an_extension(send):
    """A local part beyond ASCII asks the server for SMTPUTF8 and stands in the header in UTF-8."""
    envelope = send(recipients="jürgen@example.com")

    assert envelope.mail_options == ["SMTPUTF8", "BODY=8BITMIME"]
    assert "To: jürgen@example.com\r\n".encode() in envelope.content


def test_an_international_name_needs_no_extension(send):
    """A name or a domain beyond ASCII is sent by every server."""
    envelope = send(recipients=("Jürgen", "ann@bücher.example"))

    assert envelope.mail_options == []
    assert envelope.content.isascii()


@pytest.mark.parametrize(
    "piece",
    [
        '<"',
        '"<',
        "<",
        '"',
        "\\",
        '\\"',
        "@",
        "a@",
        "a,",
        "a@b,",
        "<a@b>",
        "(",
        "()",
        "a ",
        "ä",
        "<>",
        ">",
        ":",
        ";",
        '"a"@',
    ],
    ids=ascii,
)
@pytest.mark.parametrize(("start", "end"), [("", ""), ("<", "x"), ('"', ""), ("a@b", ")")], ids=ascii)
def test_reading_takes_linear_time(piece, start, end):
    """However a long text is made, it is read or refused at once."""
    message = Message("Hi", [start + piece * 100_000 + end])
    began = perf_counter()

    with pytest.raises(AddressError):
        message.as_bytes()

    assert perf_counter() - began < 2


@pytest.mark.parametrize(
    "name", ["Ann", "Ann, <eve@example.com>", "eve@example.com", "Ann <eve@example.com>"]
)
def test_a_pair_to_answer_to_is_one_address(name):
    """A pair in reply_to is one address, whatever a visitor has typed as the name."""
    message = Message(
        "Hi", "bob@example.com", sender="shop@example.com", reply_to=(name, "ann@example.com"), date=0
    )

    parsed = message_from_string(message.as_string(), policy=policy.default)

    assert [(one.display_name, one.addr_spec) for one in parsed["Reply-To"].addresses] == [
        (name, "ann@example.com")
    ]
    assert Message.from_dict(message.to_dict()).as_bytes() == message.as_bytes()


@pytest.mark.parametrize("name", ["Ann, <eve@example.com>", "Ann <eve@example.com>", "<eve@example.com>"])
def test_a_pair_that_could_be_two_is_refused(name):
    """A tuple that could be a name with its address or two recipients is neither: nobody is left out."""
    with pytest.raises(AddressError, match="may be a name and an address, or two addresses"):
        Message("Hi", (name, "ann@example.com"), sender="shop@example.com")
