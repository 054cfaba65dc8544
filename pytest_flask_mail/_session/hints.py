"""Why an outbox may be empty, found out from what happened.

Takes pytest's request as it comes, and does not import pytest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .._place import Place


def explain_emptiness(request: pytest.FixtureRequest, app: Any, places: Sequence[Place]) -> list[str]:
    """Return a line for each thing that the test has, or has not, and that may be the reason.

    :param places: where mails were sent before the outbox was there.
    """
    server = request.getfixturevalue("live_server") if "live_server" in request.fixturenames else None
    return [*_explain_live_server(server), *_explain_app(app), *_explain_places(places)]


def _explain_live_server(server: Any) -> list[str]:
    # That of pytest-flask; one that runs the app in a thread is none of our business.
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
    number = "1 mail was" if len(places) == 1 else f"{len(places)} mails were"
    return [f"{number} sent before mail_outbox was there, at {places[-1]}: ask for mail_outbox earlier"]
