"""Text can be read on every colour, in light and dark: a contrast of 4.5, as WCAG AA demands."""

import colorsys

import pytest

from bytepiece.explain.style import _COLOURS


def luminance(colour):
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def rgb(text):
    return tuple(int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))


@pytest.mark.parametrize("dark", [0, 1])
def test_text_can_be_read(dark):
    colours = {name: values[dark] for name, values in _COLOURS.items()}
    page, ink, soft = (rgb(colours[name]) for name in ("page", "ink", "soft"))
    assert contrast(page, ink) >= 4.5
    assert contrast(page, soft) >= 4.5
    for name in ("chosen", "heat", "edge"):  # lines and marks
        assert contrast(page, rgb(colours[name])) >= 3
    lightness = float(colours["chip"].strip("%")) / 100
    for hue in range(360):
        chip = colorsys.hls_to_rgb(hue / 360, lightness, 0.55)
        faint = tuple(0.4 * one + 0.6 * other for one, other in zip(chip, page, strict=True))
        assert contrast(chip, ink) >= 4.5
        assert contrast(faint, soft) >= 4.5
