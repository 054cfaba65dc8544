"""What the packages load, how big their folders are, and what of theirs the plugin may use.

Which layer may import which is checked by import-linter, with the contracts of pyproject.toml.
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
import flask_mail.parsed
import pytest_flask_mail

ROOT = Path(__file__).parents[1]
MOST_IN_A_FOLDER = 12

LOADED_BY_IMPORT = {
    "flask_mail",
    "flask_mail._config",
    "flask_mail._config.senders",
    "flask_mail._config.settings",
    "flask_mail._config.state",
    "flask_mail._delivery",
    "flask_mail._delivery.connection",
    "flask_mail._envelope",
    "flask_mail._errors",
    "flask_mail._mail",
    "flask_mail._message",
    "flask_mail._message.attachment",
    "flask_mail._message.message",
    "flask_mail._message.rendering",
    "flask_mail._mime",
    "flask_mail._mime.addresses",
    "flask_mail._mime.charsets",
    "flask_mail._mime.headers",
    "flask_mail._signals",
}
"""All that `import flask_mail` loads when Flask and smtplib are there: nineteen modules are the limit."""

READ_EMAILS = {"parsed_mail", "fields", "_injection"}
"""The modules of the plugin that are loaded when the first email is read."""

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


def folders():
    """Return the folders of both packages as pytest parameters, named by their paths."""
    inits = [
        path
        for package in ("flask_mail", "pytest_flask_mail")
        for path in (ROOT / package).rglob("__init__.py")
    ]
    return [pytest.param(path.parent, id=path.parent.relative_to(ROOT).as_posix()) for path in sorted(inits)]


@pytest.mark.parametrize("folder", folders())
def test_folder_is_small(folder):
    """No folder of the packages has more than twelve modules."""
    assert len(list(folder.glob("*.py"))) <= MOST_IN_A_FOLDER


@pytest.mark.parametrize("path", find_modules("pytest_flask_mail"))
def test_one_module_knows_pytest(path):
    """Only `plugin` imports pytest."""
    assert path.stem == "plugin" or tops(read_imports(path)).isdisjoint({"pytest", "_pytest"})


@pytest.mark.parametrize("path", find_modules("pytest_flask_mail"))
def test_plugin_uses_public_names(path):
    """The plugin uses the extension as its users do: by public names only."""
    ours = {name for name in read_mentions(path) if tops({name}) == {"flask_mail"}}

    assert not [name for name in ours if "._" in name]


@pytest.mark.parametrize("path", find_modules("pytest_flask_mail"))
def test_plugin_loads_the_extension_late(path):
    """Only what reads emails imports the extension at its start: a run without mail does not load it."""
    ours = tops(read_imports_at_start(path)) & {"flask_mail", "flask"}

    assert ours <= ({"flask_mail"} if path.stem in READ_EMAILS else set())


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
    assert {f"flask_mail.parsed.{name}" for name in flask_mail.parsed.__all__} <= used
    assert {f"pytest_flask_mail.{name}" for name in pytest_flask_mail.__all__} <= used
