"""How Sphinx builds the documentation: MyST pages, the API reference out of the docstrings.

Built by `make docs`, warnings as errors, without the network.
"""

from __future__ import annotations

from importlib.metadata import version as version_of

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
