"""A Mail that belongs to no application yet can be looked at by tools, outside of any context."""

from __future__ import annotations

import inspect
from unittest import mock

import pytest

from flask_mail import Mail

NAMES = ["server", "port", "username", "password", "default_sender", "suppress", "max_emails"]


@pytest.mark.parametrize("name", NAMES)
def test_an_attribute_of_the_state_has_a_default(name):
    """getattr with a default is that, or None, for an attribute of a state that is not there."""
    assert getattr(Mail(), name, None) is None


@pytest.mark.not_in_0_10("every name was there, as None")
@pytest.mark.parametrize("name", NAMES)
def test_an_attribute_of_the_state_is_not_there(name):
    """hasattr is False for an attribute of a state that is not there."""
    assert hasattr(Mail(), name) is False


def test_members_can_be_listed():
    """inspect.getmembers lists what there is."""
    names = [name for name, _ in inspect.getmembers(Mail())]

    assert {"app", "send", "send_message", "connect", "record_messages", "init_app"} <= set(names)


@pytest.mark.not_in_0_10("it had a __call__, which was None")
@pytest.mark.parametrize("make", [mock.Mock, mock.MagicMock])
def test_a_mock_can_be_made_like_it(make):
    """A mock with an unbound Mail as its spec has what a Mail has."""
    double = make(spec=Mail())

    double.send_message("Hi")
    double.send_message.assert_called_once_with("Hi")


@pytest.mark.not_in_0_10("it had a __call__, which was None")
def test_a_mock_can_be_specified_by_it():
    """create_autospec takes an unbound Mail."""
    double = mock.create_autospec(Mail())

    double.send_message("Hi")
    double.send_message.assert_called_once_with("Hi")


@pytest.mark.not_in_0_10("every name was there, as None")
@pytest.mark.parametrize("kind", [RuntimeError, AttributeError])
def test_an_attribute_says_what_is_missing(kind):
    """Asking for an attribute of the state says that there is no application."""
    with pytest.raises(kind, match="Working outside of application context"):
        Mail().server  # noqa: B018 # to ask is what is tested


@pytest.mark.not_in_0_10("every name was there, as None")
def test_an_attribute_says_that_the_application_has_no_mail(application):
    """In the context of an application without init_app the attribute is not there, too."""
    with application.app_context(), pytest.raises(AttributeError, match="was not configured"):
        Mail().server  # noqa: B018


def test_a_current_application_is_asked(application, mail):
    """In the context of an application the attribute is that of its state, or as unbound as before."""
    with application.app_context():
        assert getattr(Mail(), "port", None) in (25, None)
