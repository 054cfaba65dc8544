"""Why an outbox may be empty, judged by what happened.

Takes pytest's request as an argument, and does not import pytest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .._place import Place


def explain_emptiness(request: pytest.FixtureRequest, app: Any, places: Sequence[Place]) -> list[str]:
    """Return a line for each likely reason.

    :param places: where emails were sent before the outbox was created.
    """
    server = request.getfixturevalue("live_server") if "live_server" in request.fixturenames else None
    return [*_explain_live_server(server), *_explain_app(app), *_explain_places(places)]


def _explain_live_server(server: Any) -> list[str]:
    # Only pytest-flask's: a live_server that runs the app in a thread is no problem.
    if not type(server).__module__.startswith("pytest_flask."):
        return []
    return ["this test uses live_server, which runs the app in another process: use smtp_server"]


def _explain_app(app: Any) -> list[str]:
    if app is None or "mail" in app.extensions:
        return []
    return [f"the app {app.name!r} has no Flask-Mail: mail.init_app(app) was not called"]


def _explain_places(places: Sequence[Place]) -> list[str]:
    if not places:
        return []
    number = "1 email was" if len(places) == 1 else f"{len(places)} emails were"
    return [f"{number} sent before mail_outbox was set up, at {places[-1]}: request mail_outbox earlier"]
