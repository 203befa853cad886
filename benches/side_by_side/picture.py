"""The README's picture: horizontal bars on a log scale, as SVG written by hand. Its colours follow the reader's light or dark mode."""

import math
from xml.sax.saxutils import escape

from . import report

WIDTH, BAR, GAP, LEFT, RIGHT = 760, 18, 8, 120, 90
PANEL_HEAD, PANEL_FOOT = 34, 26
NAMES = {
    "floor": "ready-made bytes",
    "peeringd": "peeringd",
    "bird": "BIRD",
    "frr": "FRR",
    "gobgp": "GoBGP",
    "openbgpd": "OpenBGPD",
}
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328; }
  .head { font-weight: 600; }
  .small { font-size: 11px; fill: #59636e; }
  .rule { stroke: #d1d9e0; stroke-width: 1; }
  .bar { fill: #8c959f; }
  .ours { fill: #0969da; }
  .floor { fill: #b7bfc8; }
  .stopped { fill: none; stroke: #8c959f; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .rule { stroke: #3d444d; }
    .bar { fill: #656c76; }
    .ours { fill: #4493f8; }
    .floor { fill: #454c55; }
    .stopped { stroke: #9198a1; }
  }
"""


def draw(results):
    """The picture of the shape that most speakers were measured at, the larger of two; `None` when there is nothing to draw."""
    shapes = [shape for shape in results.shapes() if len(drawn_speakers(results, shape)) > 1]
    if not shapes:
        return None
    shape = max(shapes, key=lambda shape: (len(drawn_speakers(results, shape)), shape.prefixes, -shape.peers))
    peers = "one peer" if shape.peers == 1 else f"{shape.peers} peers"
    panels = [
        (f"Established → last prefix, {shape.prefixes:,} prefixes to {peers}", "established_to_last", report.seconds, 1e-3),
        ("Peak memory", "peak_memory", report.size, 1e6),
    ]
    parts, top = [], 8
    for title, figure, words, least in panels:
        drawn, height = panel(results, shape, title, figure, words, least, top)
        parts.append(drawn)
        top += height
    machine = results.data["machine"]
    top += 14
    about = f"Log scale. Medians. {machine.get('cpu')}, {machine.get('cores')} cores, loopback."
    parts.append(f'<text class="small" x="8" y="{top}">{escape(about)}</text>')
    description = f"Bars: {panels[0][0]}, and peak memory, by speaker"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 12}" width="{WIDTH}" role="img"'
        f' aria-label="{escape(description)}">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def drawn_speakers(results, shape):
    return [name for name in NAMES if results.runs(name, shape)]


def panel(results, shape, title, figure, words, least, top):
    rows = [(name, results.median(name, shape, figure)) for name in drawn_speakers(results, shape)]
    # The best of the speakers on top; the floor, which is none, before them; those without a figure last.
    rows.sort(key=lambda row: (row[0] != "floor", row[1] is None, row[1] or 0.0))
    values = [value for _, value in rows if value]
    low = min([least, *values])
    high = max([least * 10, *values])
    low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
    span = WIDTH - LEFT - RIGHT

    def place(value):
        return LEFT + span * (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))

    bottom = top + PANEL_HEAD + len(rows) * (BAR + GAP)
    parts = [f'<text class="head" x="8" y="{top + 18}">{escape(title)}</text>']
    mark = low
    while mark <= high * 1.001:
        x = place(mark)
        parts.append(f'<line class="rule" x1="{x:.1f}" y1="{top + PANEL_HEAD - 4}" x2="{x:.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="small" x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{axis(words, mark)}</text>')
        mark *= 10
    for index, (name, value) in enumerate(rows):
        parts += bar(results, shape, name, value, words, place, high, top + PANEL_HEAD + index * (BAR + GAP))
    return "\n".join(parts), bottom + PANEL_FOOT - top


def bar(results, shape, name, value, words, place, high, y):
    middle = y + BAR - 5
    yield f'<text x="{LEFT - 8}" y="{middle}" text-anchor="end">{escape(NAMES[name])}</text>'
    kind = {"floor": "floor", "peeringd": "ours"}.get(name, "bar")
    if value is None:
        end, label, kind = place(high), "stopped", "stopped"
        limit = (results.stopped(name, shape) or "").partition(" over ")[2]
        # A limit of time says nothing about memory, and the other way round.
        if limit.endswith("GiB") == (words is report.size) and limit:
            label = f"> {limit}"
    else:
        end, label = max(place(value), LEFT + 2), words(value)
    yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}" rx="2"/>'
    yield f'<text x="{end + 6:.1f}" y="{middle}">{escape(label)}</text>'


def axis(words, mark):
    """A power of ten without its decimals."""
    return words(mark * 1.0000001).replace(".0 ", " ")
