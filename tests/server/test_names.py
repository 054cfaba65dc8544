"""What users import from pytest_flask_mail.server."""

from __future__ import annotations

import pytest

import pytest_flask_mail
from pytest_flask_mail import server

OF_THE_SERVER = ["Auth", "Envelope", "Fault", "ReceivedMail", "Session", "TLS", "TranscriptLine"]


@pytest.mark.parametrize("name", OF_THE_SERVER)
def test_class_says_where_it_is_imported_from(name):
    """A class of what the server saw has the module that users import it from as its own."""
    public = getattr(server, name)

    assert f"{public.__module__}.{public.__qualname__}" == f"pytest_flask_mail.server.{name}"


def test_server():
    """The server is the same one under both of its names."""
    assert server.SMTPServer is pytest_flask_mail.SMTPServer


def test_names():
    """The package tells its names, and of others that there are none."""
    assert sorted(server.__all__) == sorted([*OF_THE_SERVER, "SMTPServer"])
    assert set(server.__all__) <= set(dir(server))
    with pytest.raises(AttributeError, match="has no attribute 'Server'"):
        server.Server  # noqa: B018
