"""A drawing of recall against false alarms, a line for each mode and a dot for each budget."""

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 320, 56, 40
MOST, LEAST_RECALL = 2.5, 0.5  # false alarms a model-month at the right edge, and recall at the bottom
COLOURS = ("#2455a4", "#b4561b")

Points = Sequence[tuple[float, float, float]]  # budget, false alarms a model-month, recall


def curve(lines: Mapping[str, Points]) -> str:
    """Return the drawing as SVG."""

    def place(rate: float, recall: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - 20) * min(rate, MOST) / MOST
        y = 16 + (HEIGHT - BOTTOM - 16) * (1 - recall) / (1 - LEAST_RECALL)
        return round(x, 1), round(y, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'font-family="sans-serif" font-size="12" fill="#333">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    ]
    for tenths in range(5, 11):
        x, y = place(0, tenths / 10)
        parts.append(f'<path stroke="#ddd" d="M{x} {y}H{WIDTH - 20}"/>')
        parts.append(f'<text x="{x - 8}" y="{y + 4}" text-anchor="end">{tenths / 10:.1f}</text>')
    for halves in range(6):
        x, y = place(halves / 2, LEAST_RECALL)
        parts.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{halves / 2:g}</text>')
    middle = (LEFT + WIDTH) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">false alarms a model-month</text>'
    )
    parts.append('<text x="4" y="12">strict recall</text>')
    for colour, (name, points) in zip(COLOURS, lines.items(), strict=False):
        places = [(budget, *place(rate, recall)) for budget, rate, recall in points]
        path = "L".join(f"{x} {y}" for _, x, y in places)
        parts.append(f'<path fill="none" stroke="{colour}" stroke-width="2" d="M{path}"/>')
        for budget, x, y in places:
            parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
            parts.append(f'<text x="{x}" y="{y + 16}" text-anchor="middle" fill="{colour}">{budget:g}</text>')
        _, x, y = places[-1]
        parts.append(f'<text x="{x + 8}" y="{y + 4}" font-weight="bold" fill="{colour}">{name}</text>')
    return "".join([*parts, "</svg>"])
