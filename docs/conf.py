"""How Sphinx builds the documentation: MyST pages, the API reference out of the docstrings.

Built by `make docs`, warnings as errors, without the network.
"""

from __future__ import annotations

from importlib.metadata import version as version_of
from pkgutil import walk_packages

from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

import flask_mail
import pytest_flask_mail

project = "Flask-Mail"
copyright = "the Flask-Mail contributors"
release = version = version_of("Flask-Mail")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"Flask-Mail {release}"

PUBLIC_MODULES = (
    "flask_mail",
    "flask_mail.addresses",
    "flask_mail.backends",
    "flask_mail.parsed",
    "pytest_flask_mail.server",
)


def setup(app: Sphinx) -> None:
    """Let autodoc find the comments at the attributes of a public class.

    It looks for them in the source of the class's ``__module__``, which is where users import the class from.
    """
    names = [
        module.name
        for package in (flask_mail, pytest_flask_mail)
        for module in walk_packages(package.__path__, f"{package.__name__}.")
    ]
    inside = [ModuleAnalyzer.for_module(name) for name in names]
    for analyzer in [ModuleAnalyzer.for_module(name) for name in PUBLIC_MODULES]:
        analyzer.analyze()
        for one in inside:
            one.analyze()
            analyzer.attr_docs.update(one.attr_docs)
            analyzer.annotations.update(one.annotations)
            analyzer.tagorder.update(one.tagorder)
