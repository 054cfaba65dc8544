"""An email as text for snapshots, which changes only when what its reader gets does.

Rules: RFC 5322 section 3.6 (which headers are specific to one email).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import TYPE_CHECKING

from ._parts import is_file
from ._parts import read_text
from ._parts import walk_parts

if TYPE_CHECKING:
    from ._email import ParsedEmail

_FIRST_HEADERS = ["from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id"]
_UNSTABLE_HEADERS = {"bcc", "content-type", "content-transfer-encoding", "mime-version"}
_SCRUBBED = {"date": "<date>", "message-id": "<id>"}


def write_golden(
    email: ParsedEmail, scrub: Mapping[str | re.Pattern[str], str], bcc: Iterable[str] | None
) -> str:
    """Return the email as text, as :meth:`ParsedEmail.golden` says."""
    hidden = [one.addr_spec for one in email.mailboxes("bcc")] if bcc is None else list(bcc)
    blocks = ["\n".join(_write_headers(email, hidden))]
    blocks += [_write_part(depth, part) for depth, part in walk_parts(email.mime)]
    text = "\n\n".join(blocks) + "\n"
    for number, cid in enumerate((one.content_id for one in email.files if one.content_id), 1):
        text = text.replace(cid, f"cid-{number}")
    for pattern, replacement in scrub.items():
        text = re.sub(pattern, replacement, text)
    return text


def _write_headers(email: ParsedEmail, hidden: list[str]) -> list[str]:
    every = [(name, str(value)) for name, value in email.headers.items()]
    headers = [(name, value) for name, value in every if name.lower() not in _UNSTABLE_HEADERS]
    if hidden:
        headers.append(("Bcc", ", ".join(hidden)))
    places = {name: place for place, name in enumerate(_FIRST_HEADERS)}
    headers.sort(key=lambda header: (places.get(header[0].lower(), len(places)), header[0].lower()))
    return [f"{name}: {_SCRUBBED.get(name.lower(), value)}" for name, value in headers]


def _write_part(depth: int, part: Any) -> str:
    rule, kind = "--" * (depth + 1), part.get_content_type()
    if is_file(part):
        cid = f" {part['content-id']}" if "content-id" in part else ""
        return f"{rule} {kind}: {part.get_filename() or '(no name)'}{cid}"
    if part.get_content_maintype() == "multipart":
        return f"{rule} {kind}"
    return f"{rule} {kind}\n{read_text(part)}".rstrip("\n")
