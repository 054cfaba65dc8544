"""Render a draft to bytes and an envelope: its headers, and the structure of its parts.

Handles no objects of the user and checks nothing: that has been done.
Rules: RFC 5322 section 3.6 (header fields), RFC 2046 section 5.1 and RFC 2387 (structure),
RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

from .._config.settings import Settings
from .._envelope import Envelope
from .._envelope import Outgoing
from .._mime.entities import binary_entity
from .._mime.entities import ContentType
from .._mime.entities import Entity
from .._mime.entities import message_entity
from .._mime.entities import multipart
from .._mime.entities import text_entity
from .._mime.headers import address_header
from .._mime.headers import ascii_only
from .._mime.headers import parametrized_header
from .._mime.headers import structured_header
from .._mime.headers import text_header
from .drafting import Draft
from .files import File
from .reading import Content
from .reading import Text

#: The maximum length of a line that is not folded, including its line ending.
_SHORT = 78
_PLAIN = ContentType("text", "plain", {})
#: Clients show the last alternative that they support, so plain text is first and an invitation last.
_RICHNESS = {"text/plain": 0, "text/html": 2, "text/calendar": 3}


def render(draft: Draft, settings: Settings) -> Outgoing:
    """Return the message and envelope for a host to send."""
    written, is_canonical = write(draft, settings)
    # A body is always written in ASCII: what is not is an address, in the envelope or in a header.
    return Outgoing(enveloped(draft, written, written.isascii()), draft.content.message_id, is_canonical)


def enveloped(draft: Draft, written: bytes, is_ascii: bool) -> Envelope:
    """Return what was written for a message in its envelope.

    :param is_ascii: whether the headers are.
    """
    content = draft.content
    recipients = [box.addr_spec for box in draft.recipients]
    options = list(content.mail_options)
    if not (is_ascii and draft.return_path.isascii() and all(map(str.isascii, recipients))):
        options += [option for option in ("SMTPUTF8", "BODY=8BITMIME") if option not in options]
    return Envelope(draft.return_path, recipients, written, options, list(content.rcpt_options))


def write(draft: Draft, settings: Settings) -> tuple[bytes, bool]:
    """Return a message as bytes, and whether it is known to need no changes for transmission."""
    lines = _own_headers(draft)
    if draft.headers:
        lines = _with_extra_headers(lines, draft)
    lines.append("MIME-Version: 1.0\r\n")
    return _structure(draft.content, settings).write("".join(lines))


def _own_headers(draft: Draft) -> list[str]:
    """Return the lines of each header that is set from the fields of the message."""
    content = draft.content
    charset = content.charset
    lines = [address_header("From", (draft.sender,), charset)] if draft.sender else []
    if content.to:
        lines.append(address_header("To", content.to, charset))
    if content.cc:
        lines.append(address_header("Cc", content.cc, charset))
    if draft.reply_to:
        lines.append(address_header("Reply-To", draft.reply_to, charset))
    if draft.subject:
        lines.append(text_header("Subject", draft.subject, charset))
    lines.append(f"Date: {draft.date}\r\n")
    if content.id_text:
        short = f"Message-ID: {content.id_text}\r\n"
        lines.append(short if len(short) < _SHORT else structured_header("Message-ID", content.id_text))
    return lines


def _with_extra_headers(own: list[str], draft: Draft) -> list[str]:
    """Return the lines with the extra headers, which replace headers of the same name."""
    extra = [one for one in draft.headers if one.name.lower() != "mime-version"]
    names = {one.name.lower() for one in extra}
    remaining = [lines for lines in own if lines.partition(":")[0].lower() not in names]
    return remaining + [one.lines for one in extra]


def _structure(content: Content, settings: Settings) -> Entity:
    """Return the body: alternatives, the HTML together with its images, mixed with the files."""
    alternatives = content.alternatives
    if len(alternatives) > 1:
        alternatives = tuple(sorted(alternatives, key=lambda one: _RICHNESS.get(one.kind.full, 1)))
    if not content.files:
        return _body(content, settings, alternatives, [])
    has_html = any(one.kind.full == "text/html" for one in alternatives)
    inline: list[Entity] = []
    files: list[Entity] = []
    for file in content.files:
        target = inline if has_html and file.is_inline else files
        target.append(_file_entity(file, settings.ascii_attachments))
    body = _body(content, settings, alternatives, inline)
    return multipart("mixed", [body, *files], content.message_id) if files else body


def _body(
    content: Content, settings: Settings, alternatives: tuple[Text, ...], inline: list[Entity]
) -> Entity:
    if not alternatives:
        return text_entity(content.text, _PLAIN, content.charset, "body")
    entities = []
    for _, kind, text in alternatives:
        is_html = kind.full == "text/html"
        entity = text_entity(text, kind, content.charset, "html" if is_html else "alts")
        entities.append(_related(entity, inline, content) if is_html and inline else entity)
    plain = _plain_text(content, settings, alternatives)
    if plain is not None:
        entities.insert(0, text_entity(plain, _PLAIN, content.charset, "body"))
    if len(entities) == 1 and alternatives[0].kind.full == "text/html":
        return entities[0]
    # One that is alone, too: as Flask-Mail 0.10 had it, and who reads it knows that it stands for a text.
    return multipart("alternative", entities, content.message_id)


def _related(html: Entity, inline: list[Entity], content: Content) -> Entity:
    return multipart("related", [html, *inline], content.message_id, ' type="text/html";\r\n')


def _plain_text(content: Content, settings: Settings, alternatives: tuple[Text, ...]) -> str | None:
    """Return the plain text, generated from the HTML if needed; None if the message gets none."""
    if content.text:
        return content.text
    texts = {kind.full: text for _, kind, text in alternatives}
    if "text/plain" in texts or "text/html" not in texts or not settings.text_from_html:
        return None
    from .._mime.plaintext import text_from_html

    return text_from_html(texts["text/html"])


def _file_entity(file: File, ascii_name: bool) -> Entity:
    lines = [one.lines for one in file.headers]
    if all(one.name.lower() != "content-disposition" for one in file.headers):
        name = ascii_only(file.filename) if ascii_name else file.filename
        parameters = {"filename": name} if name else {}
        lines.insert(0, parametrized_header("Content-Disposition", file.disposition, parameters))
    write = message_entity if file.kind.full == "message/rfc822" else binary_entity
    return write(file.content, file.kind, "".join(lines))
