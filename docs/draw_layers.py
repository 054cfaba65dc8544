"""Draw the layers of both packages from their imports, as docs/layers.svg.

``make diagram`` writes the file, and ``make style`` fails if it is stale.
A package stands above everything it imports; an arrow that others imply is left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from grimp import build_graph

Imports = Mapping[str, set[str]]

TARGET = Path(__file__).with_name("layers.svg")
PACKAGES = ("flask_mail", "pytest_flask_mail")
MARGIN, ROW, HEIGHT, CHARACTER, GAP = 24, 84, 36, 8.4, 28
STYLE = (
    "text { font: 14px monospace; text-anchor: middle; dominant-baseline: central }"
    " .title { font-weight: bold; text-anchor: start }"
    " rect { fill: #f4f7fb; stroke: #31587a; rx: 5px } .public { fill: #e3f1e4; stroke: #2f6b3a }"
    " line { stroke: #8296a8; stroke-width: 1.2; marker-end: url(#arrow) }"
    " @media (prefers-color-scheme: dark) { text { fill: #e6e6e6 }"
    " rect { fill: #22303c } .public { fill: #23382a } }"
)
ARROW = (
    '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#8296a8"/></marker>'
)


def read_imports(package: str) -> dict[str, set[str]]:
    """Return, for each module or package right below ``package``, its siblings that it imports."""
    graph = build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    children = sorted(graph.find_children(package))
    return {
        child.removeprefix(f"{package}."): {
            other.removeprefix(f"{package}.")
            for other in children
            if other != child and graph.direct_import_exists(importer=child, imported=other, as_packages=True)
        }
        for child in children
    }


def levels(imports: Imports) -> list[list[str]]:
    """Return the rows from the top; each name is as low as what it imports permits."""
    heights: dict[str, int] = {}

    def height(name: str) -> int:
        if name not in heights:
            heights[name] = 1 + max(map(height, imports[name]), default=-1)
        return heights[name]

    top = max(map(height, imports))
    return [sorted(name for name in imports if heights[name] == row) for row in range(top, -1, -1)]


def direct(imports: Imports) -> list[tuple[str, str]]:
    """Return the imports that do not follow from others (the transitive reduction)."""

    def reach(name: str) -> set[str]:
        return imports[name].union(*map(reach, imports[name]))

    return [
        (name, other)
        for name in imports
        for other in sorted(imports[name])
        if not any(other in reach(between) for between in imports[name] - {other})
    ]


def width_of(names: Iterable[str]) -> float:
    """Return the width of a row in pixels."""
    return sum(CHARACTER * len(name) + 2 * 12 + GAP for name in names) - GAP


def place(rows: list[list[str]], width: float, top: float) -> dict[str, tuple[float, float, float]]:
    """Return the left edge, the upper edge and the width of each box; rows are centred."""
    boxes = {}
    for number, row in enumerate(rows):
        left = (width - width_of(row)) / 2
        for name in row:
            box = CHARACTER * len(name) + 2 * 12
            boxes[name] = (left, top + number * ROW, box)
            left += box + GAP
    return boxes


def draw(package: str, imports: Imports, width: float, top: float) -> tuple[list[str], float]:
    """Return the lines of SVG for one package, and where the next one begins."""
    rows = levels(imports)
    boxes = place(rows, width, top + 44)
    lines = [f'<text class="title" x="{MARGIN}" y="{top + 14}">{package}</text>']
    for name, other in direct(imports):
        (left, y, box), (to_left, to_y, to_box) = boxes[name], boxes[other]
        points = (left + box / 2, y + HEIGHT, to_left + to_box / 2, to_y - 2)
        lines.append('<line x1="{:.0f}" y1="{:.0f}" x2="{:.0f}" y2="{:.0f}"/>'.format(*points))
    for name, (left, y, box) in boxes.items():
        kind = "private" if name.startswith("_") else "public"
        lines.append(f'<rect class="{kind}" x="{left:.0f}" y="{y:.0f}" width="{box:.0f}" height="{HEIGHT}"/>')
        lines.append(f'<text x="{left + box / 2:.0f}" y="{y + HEIGHT / 2:.0f}">{escape(name)}</text>')
    return lines, top + 44 + len(rows) * ROW


def picture() -> str:
    """Return the diagram as SVG."""
    graphs = {package: read_imports(package) for package in PACKAGES}
    widest = max(width_of(row) for imports in graphs.values() for row in levels(imports))
    width, top, body = widest + 2 * MARGIN, float(MARGIN), []
    for package, imports in graphs.items():
        lines, top = draw(package, imports, width, top)
        body += lines
    size = f'width="{width:.0f}" height="{top:.0f}" viewBox="0 0 {width:.0f} {top:.0f}"'
    start = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join([start, f"<style>{STYLE}</style>", f"<defs>{ARROW}</defs>", *body, "</svg>", ""])


def main() -> None:
    """Write the diagram, or check the one that is there."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, and fail if the file is stale")
    drawn = picture()
    if not parser.parse_args().check:
        TARGET.write_text(drawn, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != drawn:
        sys.exit("docs/layers.svg is stale. Run: make diagram")


if __name__ == "__main__":
    main()
