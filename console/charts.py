"""Charts that the server draws as SVG: no script, no style attribute, the page's own colours, and a title for each point.

A page shows the same numbers in a table beside each.
"""

import math
from collections.abc import Sequence
from datetime import date

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from web.words import Words, bilingual, say

WIDTH, HEIGHT, PAD = 400, 150, 28
CELL, BESIDE = 15, 34
WEEKDAYS = (
    *(bilingual("周一", "Mon"), bilingual("周二", "Tue"), bilingual("周三", "Wed"), bilingual("周四", "Thu")),
    *(bilingual("周五", "Fri"), bilingual("周六", "Sat"), bilingual("周日", "Sun")),
)


def line(days: Sequence[tuple[date, int]], label: Words) -> SafeString:
    """A line over days, which are at least two."""
    top = max(max(count for _, count in days), 1)
    step = (WIDTH - 2 * PAD) / (len(days) - 1)
    points = [(PAD + number * step, _height(count, top)) for number, (_, count) in enumerate(days)]
    grid = format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text class="tick" x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (PAD, WIDTH - PAD, height, height, PAD - 6, f"{_height(count, top) + 4:.1f}", count)
            for count in sorted({0, top // 2, top})
            for height in [f"{_height(count, top):.1f}"]
        ),
    )
    ticks = format_html_join(
        "",
        '<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>',
        ((f"{points[number][0]:.0f}", HEIGHT - 8, f"{days[number][0]:%m-%d}") for number in range(0, len(days), 7)),
    )
    dots = format_html_join(
        "",
        '<circle class="dot" cx="{}" cy="{}" r="5"><title>{} · {}</title></circle>',
        ((f"{x:.1f}", f"{y:.1f}", f"{day:%m-%d}", count) for (x, y), (day, count) in zip(points, days, strict=True)),
    )
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}<path class="line" d="{}"/>{}{}</svg>',
        *(WIDTH, HEIGHT, label, grid, path, ticks, dots),
    )


def _height(count: int, top: int) -> float:
    return HEIGHT - PAD - count * (HEIGHT - 2 * PAD) / top


def heat(hours: Sequence[Sequence[int]], label: Words) -> SafeString:
    """Weekday by hour, in five steps of shade."""
    top = max(max(map(max, hours)), 1)
    cells = format_html_join(
        "",
        '<rect class="h{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
        (
            (
                math.ceil(4 * count / top),
                *(BESIDE + hour * CELL, 4 + day * CELL, CELL - 2, CELL - 2),
                say(f"{WEEKDAYS[day]} {hour} 时：{count} 件", f"{WEEKDAYS[day]} {hour}:00: {count}"),
            )
            for day, row in enumerate(hours)
            for hour, count in enumerate(row)
        ),
    )
    days = format_html_join(
        "", '<text class="tick" x="0" y="{}">{}</text>', ((day * CELL + 15, name) for day, name in enumerate(WEEKDAYS))
    )
    below = format_html_join(
        "",
        '<text class="tick" x="{}" y="{}">{}</text>',
        ((BESIDE + hour * CELL, 7 * CELL + 19, say(f"{hour} 时", f"{hour}:00")) for hour in range(0, 24, 6)),
    )
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg>',
        *(BESIDE + 24 * CELL, 7 * CELL + 26, label, days, cells, below),
    )
