"""Public classes name the module that users import them from."""

from __future__ import annotations

import importlib
import pickle
import sys
import traceback
from typing import get_type_hints

import pytest

import flask_mail
from flask_mail import AddressError
from flask_mail import Envelope
from flask_mail import Message
from flask_mail import Outcome
from flask_mail import Outgoing
from flask_mail import Reply

MODULES = [
    "flask_mail",
    "flask_mail.addresses",
    "flask_mail.backends",
    "flask_mail.capture",
    "flask_mail.parsed",
    "pytest_flask_mail",
]


def public_classes():
    """Return the public classes as pytest parameters: the module, and the name in it."""
    modules = {name: importlib.import_module(name) for name in MODULES}
    return [
        pytest.param(module, name, id=f"{module}.{name}")
        for module in MODULES
        for name in getattr(modules[module], "__all__", ())
        if isinstance(getattr(modules[module], name), type)
    ]


@pytest.mark.parametrize(("module", "name"), public_classes())
def test_class_says_where_it_is_imported_from(module, name):
    """A public class has the module that users import it from as its own."""
    public = getattr(sys.modules[module], name)

    assert f"{public.__module__}.{public.__qualname__}" == f"{module}.{name}"


@pytest.mark.parametrize("name", ["_Mail", "_MailMixin", "FlaskMailUnicodeDecodeError"])
def test_names_of_old(name):
    """The classes that Flask-Mail 0.10 had in its one module are of that module."""
    assert getattr(flask_mail, name).__module__ == "flask_mail"


def test_traceback_names_the_public_class():
    """A traceback names an error as an except clause spells it."""
    error = AddressError("'x' is no address.")

    assert traceback.format_exception_only(error) == ["flask_mail.AddressError: 'x' is no address.\n"]


def test_pickle_names_the_public_class():
    """A pickled message names flask_mail.Message, which later releases have as well."""
    pickled = pickle.dumps(Message("Hi", recipients=["ann@example.org"]))

    assert b"flask_mail._" not in pickled
    assert pickle.loads(pickled).subject == "Hi"


@pytest.mark.parametrize("value", [Envelope, Outcome, Outgoing, Reply], ids=lambda value: value.__name__)
def test_types_of_fields_are_found(value):
    """The types of the fields of an envelope, an outcome and a reply can be asked for."""
    assert tuple(get_type_hints(value)) == value._fields
