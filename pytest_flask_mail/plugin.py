"""Hooks and fixtures of pytest, and nothing else.

Every run of pytest loads this where the distribution is installed, so it imports only pytest and the standard
library, and all else inside the functions that need it. PYTEST_DONT_REWRITE: there is no assert in here.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from typing import Any
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ._outbox.outbox import Outbox
    from ._outbox.sent_mail import SentMail
    from ._session.context import MailContext
    from ._session.context import ServerFactory
    from ._session.stray import Guard
    from .server import SMTPServer

MARKERS = (
    "mail(testing=True): whether mail_outbox sets TESTING of the app for this test",
    "smtp(**options): options for the smtp_server of this test, as SMTPServer takes them",
)
CHOICES = {"mail_stray": ("allow", "warn", "fail"), "mail_artifacts": ("never", "failed", "all")}
COMPARED = {f"{__package__}._outbox.outbox", f"{__package__}._matching.matcher"}
"""The modules that a test needs to compare emails."""
OUR_FIXTURES = frozenset({"mail_outbox", "smtp_server", "smtp_server_factory"})

PROGRESS: pytest.StashKey[Progress] = pytest.StashKey()
TIMEOUT: pytest.StashKey[float] = pytest.StashKey()
FACTORY: pytest.StashKey[ServerFactory] = pytest.StashKey()
CONTEXT: pytest.StashKey[MailContext] = pytest.StashKey()
GUARD: pytest.StashKey[Guard] = pytest.StashKey()
HAS_OUR_MAIL_APP: pytest.StashKey[bool] = pytest.StashKey()
"""For a module or a class: whether its tests use the ``mail_app`` below."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mail")
    group.addoption("--mail-eml-dir", metavar="DIR", help="write .eml files to DIR instead of below tmp_path")
    parser.addini("mail_stray", "real mail without a mail fixture: allow, warn, fail", default="warn")
    parser.addini("mail_artifacts", "which tests keep .eml files: never, failed, all", default="failed")
    # pytest's own TOML table, where a number is not a string, is newer than this type.
    kind: Any = "float" if pytest.version_tuple >= (8, 4) else "string"
    parser.addini("mail_timeout", "how many seconds wait_for waits", type=kind, default="5")


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    for name, choices in CHOICES.items():
        if (value := config.getini(name)) not in choices:
            raise pytest.UsageError(f"{name} = {value}: expected one of {', '.join(choices)}")
    config.stash[TIMEOUT] = read_timeout(config)
    config.stash[PROGRESS] = Progress()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (guard := config.stash.get(GUARD, None)) is not None:
        guard.remove()
    end_cached_loop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "header_injection" in metafunc.fixturenames:
        from ._injection import HEADER_INJECTIONS

        metafunc.parametrize("header_injection", HEADER_INJECTIONS, indirect=True)


def pytest_make_parametrize_id(val: object) -> str | None:
    injection = sys.modules.get(f"{__package__}._injection")
    return injection.payload_id(val) if injection is not None else None


@pytest.hookimpl(specname="pytest_runtest_setup", tryfirst=True)
def pytest_before_setup(item: pytest.Item) -> None:
    item.config.stash[PROGRESS].is_in_setup = True
    if (factory := item.config.stash.get(FACTORY, None)) is not None:
        factory.begin_setup()
    guard_against_stray_mail(item)
    if wants_server(item):
        from .server._listener import LOOP_CACHE

        # Before its fixtures, so that one that looks for leftover threads finds it running already.
        LOOP_CACHE.keep()


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if GUARD not in item.config.stash:
        guard_against_stray_mail(item)
    item.config.stash[PROGRESS].is_in_setup = False
    if (context := item.stash.get(CONTEXT, None)) is not None:
        context.apply_pending()
    if (factory := item.config.stash.get(FACTORY, None)) is not None:
        factory.end_setup()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    if fixturedef.argname in Progress.NAMES:
        request.config.stash[PROGRESS].begin(fixturedef)


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test that has passed so far. From a fixture it would be an error instead."""
    guard = item.config.stash.get(GUARD, None)
    if guard is not None and guard.refused:
        pytest.fail("\n".join(guard.refused), pytrace=False)
    holders = (item.stash.get(CONTEXT, None), item.config.stash.get(FACTORY, None))
    if faults := [fault for one in holders if one is not None for fault in one.find_untriggered()]:
        number = "1 fault was" if len(faults) == 1 else f"{len(faults)} faults were"
        lines = [f"{number} never triggered:", *(f"  {fault}" for fault in faults)]
        pytest.fail("\n".join(lines), pytrace=False)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    # pytest keeps all items to the end of its run. What the tests made must not stay as long.
    if CONTEXT in item.stash:
        del item.stash[CONTEXT]
    if wants_server(item) and not wants_server(nextitem):
        end_cached_loop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome: Any = yield
    report, factory = outcome.get_result(), item.config.stash.get(FACTORY, None)
    is_wanted = report.failed or (report.when == "call" and item.config.getini("mail_artifacts") == "all")
    more = factory.new_servers if factory is not None else []
    if is_wanted and (more or (CONTEXT in item.stash and item.stash[CONTEXT].is_in_use)):
        from ._session.report import complete

        complete(report, item, get_context(item), more)


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    if sys.modules.keys().isdisjoint(COMPARED):
        return None
    from ._session.comparison import explain_comparison

    return explain_comparison(op, left, right, cuts_explanations(config))


@pytest.fixture
def mail_app(request: pytest.FixtureRequest) -> Any:
    """The application whose emails are tested: the fixture ``app``, or None. Override it to use another."""
    item = request.node
    context = item.stash.get(CONTEXT, None)
    is_for_outbox = context is not None and context.outbox is not None and not context.servers
    named = getattr(item, "fixturenames", ())  # a doctest of pytest 7 has none
    if is_for_outbox and "app" not in request.fixturenames and "mail_app" not in named:
        # A test that does not use the app need not create it: the outbox works without.
        return None
    try:
        return request.getfixturevalue("app")
    except pytest.FixtureLookupError as error:
        if error.argname != "app":
            raise
        return None


@pytest.fixture
def mail_outbox(request: pytest.FixtureRequest) -> Iterator[Outbox]:
    """A list of the emails that all apps and threads of the test send. None leaves the process."""
    from ._outbox.outbox import Outbox
    from ._session.hints import explain_emptiness

    item = request.node
    stash, is_testing, context = item.config.stash, read_mail_marker(item), get_context(item)
    guard = stash.get(GUARD, None)
    places = guard.places.copy() if guard is not None else []
    with Outbox.capture() as outbox:
        outbox.timeout = stash[TIMEOUT]
        outbox._hints.append(lambda: explain_emptiness(request, context.app, places))
        change = context.use_outbox(outbox, request, is_testing)
        yield outbox
        change.undo()
        context.outbox = None


@pytest.fixture
def assert_sent(mail_outbox: Outbox) -> Callable[..., SentMail]:
    """A function that returns the email with the given fields, or fails: ``assert_sent(to="ann@x.org")``."""

    def assert_sent(**fields: Any) -> SentMail:
        __tracebackhide__ = True
        return mail_outbox.one(**fields)

    return assert_sent


@pytest.fixture
def assert_not_sent(mail_outbox: Outbox) -> Callable[..., None]:
    """A function that fails if an email has the given fields: ``assert_not_sent(to="ann@x.org")``."""

    def assert_not_sent(**fields: Any) -> None:
        __tracebackhide__ = True
        mail_outbox._expect_none(**fields)

    return assert_not_sent


@pytest.fixture
def header_injection(request: pytest.FixtureRequest) -> str:
    """A payload that tries to inject a header. The test runs once for each of HEADER_INJECTIONS."""
    payload: str = request.param
    return payload


@pytest.fixture(scope="session")
def smtp_server_options() -> dict[str, Any]:
    """The options of ``smtp_server``. Override it for all tests; the marker ``smtp`` adds to them for one."""
    return {}


@pytest.fixture
def smtp_server(request: pytest.FixtureRequest, smtp_server_options: dict[str, Any]) -> Iterator[SMTPServer]:
    """A real SMTP server for the test. The app sends to it."""
    server = make_server(request.config, {**smtp_server_options, **read_smtp_markers(request.node)})
    context = get_context(request.node)
    with server:
        change = context.use_server(server, request)
        yield server
        change.undo()
        context.servers.remove(server)


@pytest.fixture(scope="session")
def smtp_server_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., SMTPServer]]:
    """A function that starts an SMTP server, which runs to the end of the session or of a ``with`` block."""
    from ._session.context import ServerFactory

    config = request.config
    factory = config.stash[FACTORY] = ServerFactory(partial(make_server, config))
    yield factory
    del config.stash[FACTORY]
    factory.close()


class Progress:
    """Which fixtures of a test pytest has begun to set up, and whether there is an app by now."""

    NAMES = frozenset({"app", "mail_app"})

    def __init__(self) -> None:
        #: Whether the fixtures of a test are being set up.
        self.is_in_setup = False
        self._begun: dict[str, pytest.FixtureDef[Any]] = {}

    def begin(self, fixture: pytest.FixtureDef[Any]) -> None:
        """Note that the fixture is about to be set up."""
        self._begun[fixture.argname] = fixture

    def forget(self, name: str) -> None:
        """Treat the fixture as not yet begun."""
        self._begun.pop(name, None)

    def module_of(self, name: str) -> str | None:
        """Return the module that has the fixture, the last of this name that was begun; None without one."""
        return self._begun[name].func.__module__ if name in self._begun else None

    @property
    def has_app(self) -> bool:
        """Whether one of the fixtures has a value, of this test or of a wider scope."""
        return any(fixture.cached_result is not None for fixture in self._begun.values())


def read_timeout(config: pytest.Config) -> float:
    """Return how many seconds wait_for waits."""
    try:
        return float(config.getini("mail_timeout"))
    except (ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"mail_timeout: expected a number of seconds: {error}") from error


def cuts_explanations(config: pytest.Config) -> bool:
    """Return whether pytest truncates long explanations: not under ``-vv`` nor in continuous integration."""
    is_ci = any(map(os.environ.get, ("CI", "BUILD_NUMBER")))
    return config.getoption("verbose") < 2 and not is_ci


def get_context(item: pytest.Item) -> MailContext:
    """Return the context of the test, created on first use."""
    from ._session.context import MailContext

    if CONTEXT not in item.stash:
        item.stash[CONTEXT] = MailContext(find_app, item.config.stash[PROGRESS])
    return item.stash[CONTEXT]


def find_app(request: pytest.FixtureRequest) -> Any:
    """Return the value of ``mail_app``, without setting up that fixture if it is known to be ``app``.

    Another fixture costs about 50 microseconds, as much as the outbox itself.
    """
    item = request.node
    siblings = item.parent.stash
    if siblings.get(HAS_OUR_MAIL_APP, False) and "app" in item.fixturenames:
        return request.getfixturevalue("app")
    progress = item.config.stash[PROGRESS]
    progress.forget("mail_app")
    app = request.getfixturevalue("mail_app")
    siblings[HAS_OUR_MAIL_APP] = progress.module_of("mail_app") == __name__
    return app


def guard_against_stray_mail(item: pytest.Item) -> None:
    """Let the guard watch the test, unless real mail is allowed or the extension is not even loaded."""
    mode, guard = item.config.getini("mail_stray"), item.config.stash.get(GUARD, None)
    if guard is None and mode != "allow" and (mode == "fail" or "flask_mail" in sys.modules):
        from ._session.stray import Guard

        refuse = partial(pytest.fail, pytrace=False) if mode == "fail" else None
        guard = item.config.stash[GUARD] = Guard(refuse)
        guard.install()
    if guard is not None:
        guard.begin(lambda: wants_real_mail(item))


def wants_real_mail(item: pytest.Item) -> bool:
    """Return whether the test uses one of our fixtures, and so decides itself where mail goes."""
    context = item.stash.get(CONTEXT, None)
    names = OUR_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    return bool(names) or (context is not None and context.is_in_use)


def wants_server(item: pytest.Item | None) -> bool:
    """Return whether the test uses a server."""
    # pytest-flask's live_server forks, and Python warns if there are threads by then.
    names = getattr(item, "fixturenames", ())
    return "smtp_server" in names and "live_server" not in names


def end_cached_loop() -> None:
    """End the loop that is kept for the next server."""
    if (listener := sys.modules.get(f"{__package__}.server._listener")) is not None:
        listener.LOOP_CACHE.end()


def read_mail_marker(item: pytest.Item) -> bool:
    """Return whether ``mail_outbox`` is to set TESTING."""
    mark = item.get_closest_marker("mail")
    if mark is None:
        return True
    is_testing = mark.kwargs.get("testing", True)
    if mark.args or mark.kwargs.keys() - {"testing"} or not isinstance(is_testing, bool):
        raise pytest.UsageError(f"{show_marker(mark)}: expected testing=True or testing=False")
    return is_testing


def read_smtp_markers(item: pytest.Item) -> dict[str, Any]:
    """Return the options of all markers ``smtp``, the nearest ones taking precedence."""
    options: dict[str, Any] = {}
    for mark in item.iter_markers("smtp"):
        if mark.args:
            raise pytest.UsageError(f"{show_marker(mark)}: expected options by name, such as tls='starttls'")
        options = {**mark.kwargs, **options}
    return options


def show_marker(mark: pytest.Mark) -> str:
    """Return the marker as it was written."""
    arguments = [*map(repr, mark.args), *(f"{name}={value!r}" for name, value in mark.kwargs.items())]
    return f"@pytest.mark.{mark.name}({', '.join(arguments)})"


def make_server(config: pytest.Config, options: dict[str, Any]) -> SMTPServer:
    """Return a server with these options, not yet started."""
    __tracebackhide__ = True
    from .server import SMTPServer

    known = list(inspect.signature(SMTPServer).parameters)
    if unknown := [name for name in options if name not in known]:
        raise pytest.UsageError(
            f"The test server has no option {unknown[0]!r}. The options are {', '.join(known)}."
        )
    try:
        server = SMTPServer(**options)
    except (TypeError, ValueError) as error:
        # The text is enough. Otherwise pytest would show our own lines up to the error.
        raise pytest.UsageError(str(error)) from None
    server.timeout = config.stash[TIMEOUT]
    return server
