"""Who may import whom. A module that is not in the tables below has no place in the house yet: give it one.

Read from the sources, so an import inside a function counts as well as one at the top. One for type checkers
only (`if TYPE_CHECKING:`) never runs and does not count, except that private names stay private.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path

import pytest

import flask_mail
import pytest_flask_mail

ROOT = Path(__file__).parents[1]

FLOORS = {
    "_errors": set(),
    "_signals": set(),
    "_envelope": set(),
    "_plaintext": set(),
    "capture": set(),
    "_charsets": {"_errors"},
    "_addresses": {"_errors", "_charsets"},
    "_headers": {"_errors", "_addresses", "_charsets"},
    "_mime": {"_errors", "_headers", "_charsets"},
    "_attachment": {"_errors", "_headers", "_addresses", "_charsets", "_mime"},
    "_values": {"_errors", "_headers", "_addresses", "_charsets"},
    "_identity": {"_values"},
    "_settings": {"_addresses"},
    "_senders": {"_errors", "_addresses", "_charsets"},
    "_sources": {"_errors", "_addresses", "_senders", "_values", "_settings"},
    "_state": {"_settings", "_sources"},
}
"""For each room of flask_mail those that it may import; `flask_mail` stands for the public names."""

WRITING = {"_errors", "_envelope", "_charsets", "_addresses", "_headers", "_mime", "_attachment", "_settings"}
FLOORS["addresses"] = {"_errors", "_addresses"}
FLOORS["_dates"] = {"_errors", "_charsets"}
FLOORS["_files"] = WRITING - {"_envelope", "_settings"}
FLOORS["_reading"] = FLOORS["_files"] | {"_dates", "_files"}
FLOORS["_drafting"] = FLOORS["_reading"] | {"_reading", "_settings"}
FLOORS["_writing"] = WRITING | {"_plaintext", "_drafting", "_files", "_reading"}
FLOORS["_render"] = FLOORS["_writing"] | {"_writing", "_identity", "_senders"}
FLOORS["_exchange"] = WRITING | {"_files", "_reading"}
FLOORS["_message"] = WRITING | {"_render", "_exchange", "_senders", "_state"}
FLOORS["_old_names"] = {"_errors", "_charsets", "_addresses", "_headers"}

SPEAKING = {"_errors", "_envelope", "_settings"}
FLOORS["_tls"] = SPEAKING
FLOORS["_contents"] = set()
FLOORS["_replies"] = set()
FLOORS["_extensions"] = set()
FLOORS["_failures"] = {"_errors", "_settings"}
FLOORS["_channel"] = {"_settings", "_failures", "_replies"}
FLOORS["_transaction"] = {"_errors", "_envelope", "_failures"}
FLOORS["_pipeline"] = {"_contents", "_failures", "_channel", "_transaction"}
FLOORS["_client"] = {"_settings", "_identity", "_tls", "_extensions", "_failures", "_channel"}
FLOORS["_session"] = SPEAKING | {"_client", "_failures", "_transaction", "_pipeline"}
FLOORS["_opening"] = SPEAKING | {"_tls", "_failures", "_session"}
FLOORS["backends"] = SPEAKING | {"_opening"}

FLOORS["_retrying"] = {"_errors"}
FLOORS["_line"] = {"_errors", "_envelope", "_settings", "backends"}
FLOORS["_lines"] = {"_line", "_settings"}
FLOORS["_announcing"] = {"_errors", "_envelope", "_signals", "_message", "capture"}
FLOORS["_current"] = {"_errors", "_settings", "_line", "backends", "capture"}
FLOORS["_routing"] = {"_envelope", "_settings", "_message", "_line", "_current", "_announcing", "capture"}
FLOORS["_sender"] = FLOORS["_routing"] | {"_render", "_retrying", "_routing"}
FLOORS["_batch"] = {"_envelope", "_settings", "_message", "_current", "_routing", "_retrying"}
FLOORS["_connection"] = set(FLOORS)
FLOORS["_cli"] = set(FLOORS)
FLOORS["_mail"] = set(FLOORS)
FLOORS["__init__"] = set(FLOORS)
FLOORS["celery"] = FLOORS["inbox"] = {"flask_mail", "_message", "_settings"}

KNOW_FLASK = {"_mail", "_announcing", "_routing", "_message", "_cli", "celery", "inbox"}

PLUGIN_ROOMS = {
    "__init__",
    "_attempt",
    "_auth",
    "_certificates",
    "_challenges",
    "_comparison",
    "_config",
    "_connection",
    "_conversation",
    "_email",
    "_explaining",
    "_faults",
    "_fields",
    "_hints",
    "_injection",
    "_lint",
    "_listener",
    "_loop",
    "_matching",
    "_offers",
    "_options",
    "_outbox",
    "_page",
    "_parsed",
    "_protocol",
    "_readable",
    "_reading",
    "_records",
    "_replies",
    "_report",
    "_searchable",
    "_sentmail",
    "_sequence",
    "_served",
    "_shared",
    "_stray",
    "_syntax",
    "_watch",
    "_wire",
    "plugin",
    "server",
}

LOADED_BY_IMPORT = {
    "flask_mail",
    "flask_mail._addresses",
    "flask_mail._attachment",
    "flask_mail._charsets",
    "flask_mail._connection",
    "flask_mail._envelope",
    "flask_mail._errors",
    "flask_mail._headers",
    "flask_mail._mail",
    "flask_mail._message",
    "flask_mail._mime",
    "flask_mail._render",
    "flask_mail._senders",
    "flask_mail._settings",
    "flask_mail._signals",
    "flask_mail._state",
}
"""All that `import flask_mail` loads when Flask and smtplib are there."""

PRINT_LOADED = """
import sys
import flask, smtplib
before = set(sys.modules)
import flask_mail
print(*sorted(set(sys.modules) - before), sep="\\n")
"""


def find_modules(package):
    """Return the modules of a package as pytest parameters, named by their paths."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in paths]


def room_of(path: Path) -> str:
    """Return the module's name in its package; a package within it is one room."""
    return path.relative_to(ROOT).with_suffix("").parts[1]


def resolve(node: ast.ImportFrom, path: Path) -> str:
    """Return the absolute name of the module that is imported from, relative or not."""
    package = path.relative_to(ROOT).parent.parts
    base = package[: len(package) - node.level + 1] if node.level else ()
    return ".".join([*base, *filter(None, [node.module])])


def is_for_types_only(node: ast.AST) -> bool:
    """Return whether the statement is `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def walk(node: ast.AST, *without: type[ast.AST]) -> Iterator[ast.AST]:
    """Yield all nodes that may run, leaving out those of some types with all that is in them."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not is_for_types_only(child) and not isinstance(child, without):
            yield from walk(child, *without)


def parse(path: Path) -> ast.Module:
    """Return the module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def name_imports(nodes: Iterable[ast.AST], path: Path) -> Iterator[str]:
    """Yield the absolute dotted name of everything that the nodes import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{resolve(node, path)}.{alias.name}" for alias in node.names)


def read_imports(path: Path) -> set[str]:
    """Return all that the module imports at any time."""
    return set(name_imports(walk(parse(path)), path))


def read_imports_at_start(path: Path) -> set[str]:
    """Return what the module imports when it is imported itself, rather than in a function."""
    return set(name_imports(walk(parse(path), ast.FunctionDef, ast.AsyncFunctionDef), path))


def read_mentions(path: Path) -> set[str]:
    """Return all that the module imports, for type checkers as well."""
    return set(name_imports(ast.walk(parse(path)), path))


def tops(names: set[str]) -> set[str]:
    """Return the top-level packages of dotted names."""
    return {name.split(".")[0] for name in names}


def rooms_imported(path: Path) -> set[str]:
    """Return the rooms of flask_mail that the module imports; a public name stands for `flask_mail`."""
    ours = [name.split(".")[1:] for name in read_imports(path) if tops({name}) == {"flask_mail"}]
    return {rest[0] if rest and rest[0] in FLOORS else "flask_mail" for rest in ours}


@pytest.mark.parametrize("path", find_modules("flask_mail"))
def test_imports_go_down_only(path):
    """A room of flask_mail imports only the rooms below it, and every room has its place in the table."""
    room = room_of(path)

    assert room in FLOORS
    assert rooms_imported(path) - {room} <= FLOORS[room]


@pytest.mark.parametrize("path", find_modules("flask_mail"))
def test_few_know_flask(path):
    """Only the rooms that meet the application know that Flask exists."""
    assert "flask" not in tops(read_imports(path)) or room_of(path) in KNOW_FLASK


@pytest.mark.parametrize("path", find_modules("flask_mail"))
def test_extension_knows_no_pytest(path):
    """The extension imports neither pytest nor its plugin."""
    assert tops(read_imports(path)).isdisjoint({"pytest", "_pytest", "pytest_flask_mail"})


@pytest.mark.parametrize("path", find_modules("pytest_flask_mail"))
def test_one_room_knows_pytest(path):
    """Only `plugin` imports pytest, and every room of the plugin is known."""
    room = room_of(path)

    assert room in PLUGIN_ROOMS
    assert room == "plugin" or tops(read_imports(path)).isdisjoint({"pytest", "_pytest"})


@pytest.mark.parametrize("path", find_modules("pytest_flask_mail"))
def test_plugin_uses_public_names(path):
    """The plugin uses the extension as its users do: by public names only."""
    ours = {name for name in read_mentions(path) if tops({name}) == {"flask_mail"}}

    assert not [name for name in ours if "._" in name]


@pytest.mark.parametrize("path", find_modules("pytest_flask_mail"))
def test_plugin_loads_the_extension_late(path):
    """The plugin imports the extension inside functions: a run of tests without mail does not load it."""
    assert tops(read_imports_at_start(path)).isdisjoint({"flask_mail", "flask"})


def test_plugin_costs_nothing_at_start():
    """The plugin's entry module loads pytest and the standard library only: every pytest run imports it."""
    loaded = tops(read_imports_at_start(ROOT / "pytest_flask_mail" / "plugin.py"))

    assert loaded - set(sys.stdlib_module_names) <= {"pytest"}


def test_import_is_light():
    """After Flask, `import flask_mail` loads smtplib and its own rooms, and nothing else."""
    run = subprocess.run([sys.executable, "-c", PRINT_LOADED], capture_output=True, text=True, check=True)

    assert set(run.stdout.split()) == LOADED_BY_IMPORT


def test_commands_are_loaded_late():
    """An application that is not asked for a command of `flask mail` does not load them."""
    program = "import sys, flask, flask_mail; flask_mail.Mail(flask.Flask('x')); print(*sys.modules)"

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "flask_mail._mail" in run.stdout.split()
    assert "flask_mail._cli.commands" not in run.stdout.split()


def test_public_names_are_typed():
    """Every public name is used in tests/typing, where the type checkers read it as a user's program."""
    used = {name for path in (ROOT / "tests" / "typing").glob("*.py") for name in read_imports(path)}

    assert {f"flask_mail.{name}" for name in flask_mail.__all__} <= used
    assert {f"pytest_flask_mail.{name}" for name in pytest_flask_mail.__all__} <= used
