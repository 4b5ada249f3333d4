"""The curves as one SVG: throughput above, latency below, over the offered rate."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from bench.curve import Point

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 30, 40
COLOURS = ("#6b7280", "#0f766e", "#b45309")
STYLE = "text{font:12px system-ui,sans-serif;fill:#374151}.t{font-weight:600}"

Scale = Callable[[float], float]


def render(curves: Mapping[str, Sequence[Point]]) -> str:
    """Return the SVG document; a curve's 50th percentile is dashed, its 99th drawn through."""
    every = [point for points in curves.values() for point in points]
    x = _linear(max(point.offered for point in every), LEFT, WIDTH - RIGHT)
    most = max(point.accepted for point in every)
    y = _linear(most, HEIGHT - BOTTOM, TOP)
    slowest = max(point.p99 for point in every) * 1000
    fastest = min(point.p50 for point in every) * 1000
    log_y = _logarithmic(fastest, slowest, HEIGHT - BOTTOM, TOP)
    upper = [*_axes("accepted orders/s", x, every), *_ticks(_steps(most), y)]
    lower = [
        *_axes("latency, ms: 99th percentile, and dashed the 50th", x, every),
        *_ticks(_powers(fastest, slowest), log_y),
    ]
    for (name, points), colour in zip(curves.items(), COLOURS, strict=False):
        upper.append(_line([(x(p.offered), y(p.accepted)) for p in points], colour))
        lower.append(_line([(x(p.offered), log_y(p.p99 * 1000)) for p in points], colour))
        dashed = [(x(p.offered), log_y(p.p50 * 1000)) for p in points]
        lower.append(_line(dashed, colour, 'stroke-dasharray="4 3"'))
        at = TOP + 16 * (1 + list(curves).index(name))
        upper.append(f'<text x="{LEFT + 12}" y="{at}" style="fill:{colour}">{escape(name)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * HEIGHT}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f"<g>{''.join(upper)}</g>"
        f'<g transform="translate(0 {HEIGHT})">{"".join(lower)}</g></svg>\n'
    )


def _linear(top: float, start: float, end: float) -> Scale:
    return lambda value: start + (end - start) * value / (top * 1.05)


def _logarithmic(least: float, most: float, start: float, end: float) -> Scale:
    low, high = math.log10(least / 1.3), math.log10(most * 1.3)
    return lambda value: start + (end - start) * (math.log10(value) - low) / (high - low)


def _steps(top: float) -> list[float]:
    """Return round numbers up to `top`, four to ten of them."""
    power = 10 ** math.floor(math.log10(top))
    step = next(power * part for part in (0.1, 0.2, 0.5, 1) if top / (power * part) <= 10)
    return [step * number for number in range(int(top / step) + 1)]


def _powers(least: float, most: float) -> list[float]:
    exponents = range(math.ceil(math.log10(least / 1.3)), math.floor(math.log10(most * 1.3)) + 1)
    return [10.0**exponent for exponent in exponents]


def _axes(title: str, x: Scale, points: Sequence[Point]) -> list[str]:
    floor = HEIGHT - BOTTOM
    marks = [
        _text(x(value), floor + 18, f"{value:,.0f}", "middle")
        for value in _steps(max(point.offered for point in points))
    ]
    return [
        f'<text class="t" x="{LEFT}" y="{TOP - 12}">{title}</text>',
        f'<path d="M{LEFT} {floor}H{WIDTH - RIGHT}" stroke="#374151"/>',
        *marks,
        _text(WIDTH - RIGHT, floor + 34, "offered orders/s", "end"),
    ]


def _ticks(values: Sequence[float], y: Scale) -> list[str]:
    return [
        f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#e5e7eb"/>'
        + _text(LEFT - 8, y(value) + 4, f"{value:,g}", "end")
        for value in values
    ]


def _line(points: Sequence[tuple[float, float]], colour: str, more: str = "") -> str:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" {more}/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
