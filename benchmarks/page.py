"""Write the last results into docs/performance.md, between its two markers, and draw docs/performance.svg.

Everything outside of the markers is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable

from .environments import ROOT
from .plot import draw
from .results import Table
from .tables import as_markdown
from .tables import not_reached

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
BEGIN, END = "<!-- results: written by make bench -->\n", "<!-- end of results -->\n"


def write_page(tables: Iterable[Table]) -> None:
    """Replace what stands between the markers by these tables, and the plot."""
    listed = list(tables)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    written = "\n".join([*map(as_markdown, listed), not_reached(listed)])
    PAGE.write_text(f"{before}{BEGIN}\n{written}\n{END}{after}", encoding="utf-8")
    PLOT.write_text(draw([row for table in listed for row in table.rows]), encoding="utf-8")
    print(f"\nWritten: {PAGE.relative_to(ROOT)}, {PLOT.relative_to(ROOT)}")
