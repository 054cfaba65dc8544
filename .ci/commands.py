"""Write the table of commands of CONTRIBUTING.md: what `make help` prints, as Markdown.

    python .ci/commands.py [--check]

With --check nothing is written, and the status is 1 if the table is not that of the Makefile.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- commands: written by `make commands` -->\n", "<!-- end of commands -->\n"


def table(makefile: str) -> str:
    """Return a row for each target that says what it does."""
    targets = re.findall(r"^([a-z-]+):.*?## (.+)$", makefile, re.MULTILINE)
    rows = [f"| `make {target}` | {does} |\n" for target, does in targets]
    return "".join(["\n| command | what it does |\n| --- | --- |\n", *rows, "\n"])


def with_table(page: str, rows: str) -> str:
    """Return the page with the rows between its marks.

    :raises ValueError: the page does not have both marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no lines {BEGIN.strip()!r} and {END.strip()!r}. Put them back.")
    return before + begin + rows + end + after


def main(arguments: list[str]) -> int:
    """Write or check the page, and return the status."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_table(page, table((ROOT / "Makefile").read_text(encoding="utf-8")))
    if arguments != ["--check"]:
        PAGE.write_text(wanted, encoding="utf-8", newline="\n")
    elif page != wanted:
        print(f"{PAGE.name}: the table of commands is not that of the Makefile. Run: make commands")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
