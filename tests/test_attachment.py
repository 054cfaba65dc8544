"""What can be attached, and how it arrives."""

from __future__ import annotations

import email
import io
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from flask_mail import Attachment
from flask_mail import BadHeaderError
from flask_mail import Mail
from flask_mail import Message
from flask_mail import MessageError


def write(*attachments, **fields):
    """Return a message with attachments."""
    return Message(
        "Hi", "ann@example.com", "Hello", sender="me@example.com", attachments=attachments, **fields
    )


def parse(*attachments, **fields):
    """Return the parts that arrive with a message, as the standard library reads them."""
    message = email.message_from_bytes(write(*attachments, **fields).as_bytes(), policy=policy.default)
    return [part for part in message.walk() if part.get_content_disposition()]


def make_email():
    """Return a message of the standard library's."""
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message["From"] = "bob@example.com"
    message.set_content("Liebe Grüße\n")
    return message


class Lazy:
    """A translation: text when it is asked for, with the methods of text."""

    def __str__(self):
        return "Grüße"

    def __getattr__(self, name):
        return getattr(str(self), name)


@pytest.mark.parametrize(
    ("given", "octets"),
    [
        pytest.param(b"\x00\xff\r\n\n\r", b"\x00\xff\r\n\n\r", id="bytes"),
        pytest.param(bytearray(b"\x00\xff"), b"\x00\xff", id="bytearray"),
        pytest.param(memoryview(b"\x00\xff"), b"\x00\xff", id="memoryview"),
        pytest.param(b"", b"", id="no bytes"),
        pytest.param("5 €\nGrüße\r\n", "5 €\nGrüße\r\n".encode(), id="text"),
        pytest.param("", b"", id="no text"),
        pytest.param(Lazy(), "Grüße".encode(), id="lazy text"),
        pytest.param(io.BytesIO(b"\x00\xff"), b"\x00\xff", id="file of bytes"),
        pytest.param(io.StringIO("5 €"), "5 €".encode(), id="file of text"),
        pytest.param(FileStorage(io.BytesIO(b"\x00\xff"), "scan.bin"), b"\x00\xff", id="upload"),
        pytest.param(bytes(range(256)) * 500, bytes(range(256)) * 500, id="many bytes"),
    ],
)
@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/plain", "image/png"])
def test_what_is_attached_arrives(given, octets, content_type):
    """Whatever holds the data, and whatever it is called, it arrives octet for octet."""
    [part] = parse(Attachment("scan.bin", content_type, given))

    assert part.get_payload(decode=True) == octets
    assert part["Content-Transfer-Encoding"] == "base64"


def test_a_path_is_read(tmp_path):
    """A path is the file that is there, under its own name and of the type that its name tells."""
    (tmp_path / "Grüße.pdf").write_bytes(b"%PDF")

    [part] = parse(Attachment(data=tmp_path / "Grüße.pdf"))

    assert part.get_filename() == "Grüße.pdf"
    assert part.get_content_type() == "application/pdf"
    assert part.get_payload(decode=True) == b"%PDF"


def test_attach_file_reads_a_path(tmp_path):
    """attach_file() takes a path as text, and a type and a name other than the file's."""
    (tmp_path / "x.tmp").write_bytes(b"%PDF")
    message = write()

    message.attach_file(str(tmp_path / "x.tmp"))
    message.attach_file(str(tmp_path / "x.tmp"), "application/pdf", "terms.pdf")

    first, second = message.attachments
    assert (first.filename, first.data) == ("x.tmp", b"%PDF")
    assert (second.filename, second.content_type) == ("terms.pdf", "application/pdf")


def test_a_missing_file_is_an_error_of_its_own():
    """A path but there is no such file is an OSError, when it is attached."""
    with pytest.raises(FileNotFoundError):
        write().attach_file("no-such-file.pdf")


def test_an_open_file_is_read_from_its_start():
    """A file that was just written, and stands at its end, is attached whole."""
    file = io.BytesIO()
    file.write(b"%PDF")

    assert Attachment("terms.pdf", data=file).data == b"%PDF"


def test_a_pipe_is_read_as_it_comes():
    """A stream that cannot be wound back is read from where it stands."""

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    assert Attachment("terms.pdf", data=Pipe(b"%PDF")).data == b"%PDF"


def test_an_upload_brings_its_name_and_type():
    """An upload is attached under the name it came with; without a telling name, as the type it came with."""
    upload = FileStorage(io.BytesIO(b"..."), "scan", content_type="image/heic")

    [part] = parse(Attachment(data=upload))

    assert part.get_filename() == "scan"
    assert part.get_content_type() == "image/heic"


@pytest.mark.parametrize("claimed", ["multipart/mixed", "message/rfc822", "nonsense", "image/png\x0bx", ""])
def test_an_upload_cannot_choose_an_impossible_type(claimed):
    """The type that an upload claims is not believed if no attachment can have it."""
    upload = FileStorage(io.BytesIO(b"..."), "scan", content_type=claimed)

    assert Attachment(data=upload).content_type == "application/octet-stream"


def test_the_name_of_an_open_file_stays_here(tmp_path):
    """An open file is attached without the name that it has on this machine."""
    (tmp_path / "secret-project.pdf").write_bytes(b"%PDF")

    with open(tmp_path / "secret-project.pdf", "rb") as file:
        attachment = Attachment(data=file)

    assert attachment.filename is None


@pytest.mark.parametrize("data", [5, ["a"], {"a": 1}, object()], ids=["int", "list", "dict", "object"])
def test_what_cannot_be_read_is_refused(data):
    """Data of another kind is refused: the error says what can be attached."""
    with pytest.raises(MessageError) as caught:
        Attachment("x", data=data)

    assert str(caught.value) == (
        f"The data of an attachment is a {type(data).__name__}."
        " Pass text, bytes, an open file, a path or an email message."
    )


NAMES = {
    "ascii": "terms.pdf",
    "spaces": "our  terms.pdf",
    "quotes": 'the "terms".pdf',
    "backslash": "C:\\terms.pdf",
    "slash": "a/b.pdf",
    "semicolon": "terms; filename=evil.exe",
    "equals": "a=b.pdf",
    "percent": "100%.pdf",
    "apostrophes": "utf-8''x.pdf",
    "star": "a*b.pdf",
    "parentheses": "terms (1).pdf",
    "comma": "a,b.pdf",
    "dots": "...",
    "umlauts": "Rechnung März.pdf",
    "chinese": "发票.pdf",
    "emoji": "🎉.pdf",
    "combining": "Cafe\u0301.pdf",
    "an encoded word": "=?utf-8?q?evil=2Eexe?=",
    "umlauts and quotes": '"März"; \\.pdf',
    "tab": "a\tb.pdf",
    "long": "terms " * 30 + ".pdf",
    "very long": "x" * 2000 + ".pdf",
    "very long and umlauts": "ä" * 2000 + ".pdf",
    "right to left": "exe.\u202efdp.pdf",
    "URL": "http://[x.pdf",
    "URL with data": "data:,x.pdf",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_file_keeps_its_name(name):
    """A file name is read back exactly as it was given."""
    [part] = parse(Attachment(name, data=b"%PDF"))

    assert part.get_filename() == name
    assert part.get_content_disposition() == "attachment"


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_file_name_needs_no_long_line(name):
    """However long a file name is, the header it stands in is folded, ASCII, and has no long line."""
    content = write(Attachment(name, data=b"%PDF")).as_bytes()

    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) < 600


@pytest.mark.parametrize(
    ("name", "fallback"),
    [
        ("Rechnung März.pdf", "Rechnung Marz.pdf"),
        ("发票.pdf", "__.pdf"),
        ("Änne “Ännchen”.pdf", "Anne _Annchen_.pdf"),
        ("=?utf-8?q?x?=ä.pdf", "_?utf-8?q?x?=a.pdf"),
    ],
)
def test_an_older_program_reads_an_ascii_name(name, fallback):
    """A name beyond ASCII is there a second time in ASCII, for programs that do not know RFC 2231."""
    content = write(Attachment(name, data=b"%PDF")).as_bytes()

    assert f'filename="{fallback}"\r\n'.encode() in content
    assert b"filename*=utf-8''" in content


def test_the_charset_of_a_name_is_registered():
    """The charset of an extended name is spelled as it is registered: utf-8."""
    assert b"UTF8''" not in write(Attachment("März.pdf", data=b"%PDF")).as_bytes().upper().replace(
        b"UTF-8''", b""
    )


@pytest.mark.parametrize(
    ("name", "written"), [("Rechnung März.pdf", "Rechnung Marz.pdf"), ("发票 3.pdf", "3.pdf"), ("发票", None)]
)
def test_names_may_be_ascii_only(name, written):
    """With MAIL_ASCII_ATTACHMENTS, a name is written without accents and without what ASCII does not have."""
    app = Flask("shop")
    app.config["MAIL_ASCII_ATTACHMENTS"] = True
    Mail(app)

    with app.app_context():
        [part] = parse(Attachment(name, "application/pdf", b"%PDF"))

    assert part.get_filename() == written


def test_a_file_without_a_name_is_still_a_file():
    """An attachment without a name has a disposition all the same."""
    [part] = parse(Attachment(data=b"%PDF", content_type="application/pdf"))

    assert part["Content-Disposition"] == "attachment"


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("terms.pdf", b"", "application/pdf"),
        ("TERMS.PDF", b"", "application/pdf"),
        ("notes.txt", b"", "text/plain"),
        ("data.csv", "a,b", "text/csv"),
        ("backup.tar.gz", b"", "application/gzip"),
        ("page.html.gz", b"", "application/gzip"),
        ("notes.txt.bz2", b"", "application/x-bzip2"),
        ("notes.txt.xz", b"", "application/x-xz"),
        ("unknown.qqq", b"", "application/octet-stream"),
        ("unknown.qqq", "text", "text/plain"),
        ("README", b"", "application/octet-stream"),
        (None, b"", "application/octet-stream"),
        (None, "text", "text/plain"),
        ("http://[x.pdf", b"", "application/pdf"),
    ],
)
def test_a_type_is_guessed(name, data, kind):
    """Without a type, the name tells it, and if it does not, whether the data is text."""
    assert Attachment(name, data=data).content_type == kind


@pytest.mark.parametrize(
    ("given", "kind", "parameters"),
    [
        ("application/pdf", "application/pdf", {}),
        ("Application/PDF", "application/pdf", {}),
        ("text/csv; header=present", "text/csv", {"header": "present"}),
        ('application/pdf; name="a; b.pdf"', "application/pdf", {"name": "a; b.pdf"}),
        ('application/pdf; name="M\u00e4rz.pdf"', "application/pdf", {"name": "März.pdf"}),
        ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text", {}),
        ("image/svg+xml", "image/svg+xml", {}),
        (" application/pdf ; ", "application/pdf", {}),
        ("a/b; " + "; ".join(f"p{n}=value" for n in range(99)), "a/b", {f"p{n}": "value" for n in range(99)}),
    ],
)  # fmt: skip
def test_a_type_may_have_parameters(given, kind, parameters):
    """A content type is written as it was given, parameters included."""
    [part] = parse(Attachment("x", given, b"..."))

    assert part.get_content_type() == kind
    assert dict(part["Content-Type"].params) == parameters


@pytest.mark.parametrize(
    "given",
    ["pdf", "a/b/c", "/", "a/", "/b", "a b/c", "a/b; c", "a/b; c=", "a/b; =c", "ä/b", 'a/b; c="', "a/b, c/d"],
)
def test_a_type_that_is_none_is_refused(given):
    """A content type that is none is refused: the error shows it and what one looks like."""
    with pytest.raises(MessageError) as caught:
        write(Attachment("x", given, b"...")).as_bytes()

    assert str(caught.value) == (
        f"The content_type of an attachment {ascii(given)} is not a content type."
        ' Use "type/subtype", such as "application/pdf".'
    )


@pytest.mark.parametrize(
    "given", ["multipart/mixed", "message/partial", "Message/External-Body", "message/global"]
)
def test_a_type_that_is_a_structure_is_refused(given):
    """What mail programs would take for a part of this very message is refused."""
    with pytest.raises(MessageError) as caught:
        write(Attachment("x", given, b"...")).as_bytes()

    assert str(caught.value) == (
        f"An attachment cannot be {given.lower()}: mail clients would treat it as part of this message."
        ' Attach its bytes with content_type="application/octet-stream".'
    )


def test_a_text_says_its_charset():
    """Text that is attached is in UTF-8 and says so."""
    [part] = parse(Attachment("prices.csv", data="5 €"))

    assert part.get_content_charset() == "utf-8"
    assert part.get_content() == "5 €"


@pytest.mark.parametrize("charset", ["utf-16", "utf-8-sig", "windows-1252", "shift_jis"])
def test_a_text_is_in_the_charset_of_its_type(charset):
    """Text that is attached with a charset is in that one, also in one that a body could not have."""
    [part] = parse(Attachment("prices.csv", f"text/csv; charset={charset}", "5 Yen"))

    assert part.get_content_charset() == charset
    assert part.get_payload(decode=True).decode(charset) == "5 Yen"


def test_a_text_outside_of_its_charset_is_in_utf_8():
    """Text that its charset cannot hold is in UTF-8, and says so."""
    [part] = parse(Attachment("prices.csv", "text/csv; charset=iso-8859-1", "5 €"))

    assert part.get_content_charset() == "utf-8"
    assert part.get_content() == "5 €"


def test_bytes_are_not_given_a_charset():
    """Bytes are attached as they are: nobody knows their charset."""
    [part] = parse(Attachment("prices.csv", data=b"5 \x80"))

    assert part.get_content_charset() is None
    assert part.get_payload(decode=True) == b"5 \x80"


def test_an_unknown_charset_is_refused():
    """Text in a charset that Python does not know is refused."""
    with pytest.raises(MessageError, match=r"^charset 'no-such' is not known to Python."):
        write(Attachment("prices.csv", "text/csv; charset=no-such", "5 €")).as_bytes()


def test_half_a_character_is_refused():
    """Text with a lone surrogate is refused."""
    with pytest.raises(
        MessageError, match=r"^The data of an attachment contains the lone surrogate '\\ud83d'"
    ):
        write(Attachment("prices.csv", data="5 \ud83d")).as_bytes()


@pytest.mark.parametrize("disposition", ["attachment", "inline", "INLINE", "x-custom"])
def test_a_disposition_is_written(disposition):
    """The disposition is the one given."""
    [part] = parse(Attachment("x", data=b"...", disposition=disposition))

    assert part["Content-Disposition"].startswith(disposition)


@pytest.mark.parametrize(
    "disposition", ["in line", "attachment; filename=x", "ä", "a/b", "x" * 101], ids=ascii
)
def test_a_disposition_that_is_none_is_refused(disposition):
    """A disposition is one word: the error shows what it is not."""
    with pytest.raises(BadHeaderError) as caught:
        write(Attachment("x", data=b"...", disposition=disposition)).as_bytes()

    assert str(caught.value) == (
        f'The disposition {ascii(disposition)} of an attachment is not valid. Use "attachment" or "inline".'
    )


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Note": ["one", "für"], "Content-Description": "März"}, id="dict"),
        pytest.param([("X-Note", "one"), ("X-Note", "für"), ("Content-Description", "März")], id="pairs"),
        pytest.param(
            iter([("X-Note", "one"), ("X-Note", "für"), ("Content-Description", "März")]),
            id="iterator of pairs",
        ),
    ],
)
def test_headers_of_a_part_are_written(headers):
    """An attachment has the headers given to it, each as often as it was given."""
    [part] = parse(Attachment("x", data=b"...", headers=headers))

    assert part.get_all("X-Note") == ["one", "für"]
    assert part["Content-Description"] == "März"


def test_a_part_may_have_a_disposition_of_its_own():
    """A Content-Disposition among the headers replaces the one that would be written."""
    [part] = parse(Attachment("x", data=b"...", headers={"content-disposition": 'attachment; filename="y"'}))

    assert part.get_all("Content-Disposition") == ['attachment; filename="y"']


@pytest.mark.parametrize("name", ["Content-Type", "content-transfer-encoding", "MIME-Version"])
def test_headers_of_the_content_are_not_for_the_user(name):
    """A header that says how the content is written is refused."""
    with pytest.raises(BadHeaderError) as caught:
        write(Attachment("x", data=b"...", headers={name: "1"})).as_bytes()

    assert str(caught.value) == (
        f"{name.title()} of an attachment is set automatically. Use content_type= to set the type."
    )


@pytest.mark.parametrize("given", ["logo", "<logo>", " <logo> "])
def test_a_content_id_has_angle_brackets(given):
    """A Content-ID is written with angle brackets, whether it was given with them or not."""
    [part] = parse(Attachment("x", data=b"...", headers={"content-id": given}))

    assert part["Content-ID"] == "<logo>"


@pytest.mark.parametrize("given", ["", "<>", "a b", "a<b", "ä", "x" * 501], ids=ascii)
def test_a_content_id_that_is_none_is_refused(given):
    """A Content-ID that could not stand in a URL is refused."""
    with pytest.raises(
        BadHeaderError, match=r"^Content-ID: .* is not valid. Use printable ASCII without spaces, < and >."
    ):
        write(Attachment("x", data=b"...", headers={"Content-ID": given})).as_bytes()


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(make_email(), id="EmailMessage"),
        pytest.param(make_email().as_bytes(), id="bytes"),
        pytest.param(make_email().as_bytes(policy=policy.SMTP), id="bytes with CRLF"),
        pytest.param(make_email().as_bytes().replace(b"\n", b"\r"), id="bytes with CR"),
        pytest.param(make_email().as_string(), id="text"),
        pytest.param(make_email().as_bytes(policy=policy.default.clone(cte_type="8bit")), id="8 bits"),
    ],
)
def test_a_message_is_attached_as_a_message(given):
    """A message arrives as message/rfc822, which mail programs show, and without an encoding around it."""
    [part] = parse(Attachment("x.eml", "message/rfc822", given))

    inner = part.get_content()
    assert part["Content-Transfer-Encoding"] == "7bit"
    assert inner["Subject"] == "Grüße"
    assert inner.get_content().replace("\r\n", "\n") == "Liebe Grüße\n"


def test_the_type_of_a_message_is_known():
    """An EmailMessage, a message of ours and a file .eml need no type."""
    ours = write()

    kinds = [
        Attachment(data=make_email()),
        Attachment(data=ours),
        Attachment("x.eml", data=b"Subject: x\n\n"),
    ]

    assert [one.content_type for one in kinds] == ["message/rfc822"] * 3


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("Grüße\r\n".encode(), id="8 bits"),
        pytest.param(b"x" * 5000, id="a long line"),
        pytest.param(b"a\0b", id="NUL"),
        pytest.param(b"\xff\xfe\r\n", id="no charset"),
    ],
)
def test_a_message_is_made_fit_for_every_server(body):
    """A message that is attached is encoded part by part if it is not in 7 bits, and says the same."""
    inner = b'Subject: x\r\nContent-Type: text/plain; charset="utf-8"\r\n\r\n' + body

    content = write(Attachment("x.eml", data=inner)).as_bytes()

    [_, part] = email.message_from_bytes(content, policy=policy.default).iter_parts()
    assert content.isascii()
    assert b"\0" not in content
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert part.get_payload(0).get_payload(decode=True) == body


def test_a_message_that_cannot_be_made_fit_is_refused():
    """A message that cannot be written in 7 bits is refused: the error says how to attach it."""
    inner = b"Content-Transfer-Encoding: base64\r\n\r\n\xff\xff"

    with pytest.raises(MessageError) as caught:
        write(Attachment("x.eml", data=inner)).as_bytes()

    assert str(caught.value) == (
        "An attached email message cannot be converted to ASCII, as message/rfc822 requires."
        ' Attach its bytes with content_type="application/octet-stream".'
    )


def test_embed_returns_what_html_refers_to():
    """embed() adds an image and returns the Content-ID for its URL, without angle brackets."""
    message = Message("Hi", "ann@example.com", sender="me@example.com")

    cid = message.embed(b"\x89PNG", "logo.png")
    message.html = f'<img src="cid:{cid}">'

    mime = email.message_from_bytes(message.as_bytes(), policy=policy.default)
    [_, related] = mime.iter_parts()
    [html, image] = related.iter_parts()
    assert html.get_content() == f'<img src="cid:{cid}">'
    assert image["Content-ID"] == f"<{cid}>"
    assert image.get_content_disposition() == "inline"
    assert image.get_filename() == "logo.png"


def test_embed_takes_what_it_is_told(tmp_path):
    """embed() reads a path, and takes a type, a name and a Content-ID."""
    (tmp_path / "logo.bin").write_bytes(b"\x89PNG")
    message = Message("Hi")

    cids = [
        message.embed(str(tmp_path / "logo.bin")),
        message.embed(Path(tmp_path / "logo.bin"), "logo.png", "image/webp", "<logo>"),
    ]

    first, second = message.attachments
    assert (first.filename, first.data) == ("logo.bin", b"\x89PNG")
    assert (second.filename, second.content_type, second.content_id) == ("logo.png", "image/webp", "logo")
    assert cids == [first.content_id, "logo"]


def test_embedded_images_have_ids_of_their_own():
    """Each image gets a Content-ID that no other has."""
    message = Message("Hi")

    assert message.embed(b"1") != message.embed(b"1")


def test_a_repr_shows_what_is_attached():
    """An attachment shows its name, its type and its length."""
    assert repr(Attachment("terms.pdf", data=b"%PDF")) == "<Attachment terms.pdf application/pdf 4>"
    assert repr(Attachment(data=b"%PDF")) == "<Attachment (no name) application/octet-stream 4>"


def test_attachments_of_the_same_content_are_equal():
    """Two attachments are equal if all of them is, in whichever form their headers were given."""
    one = Attachment("x", "a/b", b"...", headers={"X-Note": ["1", "2"]})

    assert one == Attachment("x", "a/b", b"...", headers=[("X-Note", "1"), ("X-Note", "2")])
    assert one != Attachment("x", "a/b", b"...")
    assert one != "x"
    assert len({one, Attachment("x", "a/b", b"...", headers={"X-Note": ["1", "2"]})}) == 1
