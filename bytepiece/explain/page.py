"""The page that shows explanations: one HTML document that needs no other file.

The only script in it is our own, which its policy names by its hash. So nothing in a text or in a
piece can run or can ask for anything, even if it were not escaped.
"""

import base64
import hashlib
import html
from collections.abc import Sequence

from bytepiece.display import number, percent, visible
from bytepiece.explain import blocks
from bytepiece.explain.facts import Explanation
from bytepiece.explain.lattice_svg import drawn, svg
from bytepiece.explain.style import asset, style
from bytepiece.explain.words import counted, notes

_TITLE = 60
"""The most characters of the text in the title."""


def page(explanations: Sequence[Explanation]) -> str:
    """Return the page of one text, cut by one or several models.

    Args:
        explanations: one for each model.

    >>> import bytepiece
    >>> tok = bytepiece.Tokenizer(bytepiece.train(["the cat", "the hat"] * 9, 300))
    >>> page([tok.explain("the <cat>")]).count("<cat>")
    0
    """
    script = asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        f"base-uri 'none'; form-action 'none'"
    )
    title = html.escape(f"How “{_readable(explanations[0])}” is cut")
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n"
        f"<style>\n{style('.bytepiece')}{asset('lattice.css')}{asset('page.css')}</style>\n"
        f'</head>\n<body class="bytepiece">\n<main>\n<h1>{title}</h1>'
    ]
    if len(explanations) > 1:
        parts.append(f"<h2>The models</h2>{blocks.comparison(explanations)}")
    parts += [_section(one) for one in explanations]
    parts.append(f"</main>\n<script>{script}</script>\n</body>\n</html>\n")
    return "\n".join(parts)


def _readable(explained: Explanation) -> str:
    return visible(explained.text.decode("utf-8", "backslashreplace"), _TITLE)


def _section(explained: Explanation) -> str:
    """Return the part of a page about one model."""
    name = html.escape(blocks.shown_name(explained))
    left_out = ""
    if explained.edges_left_out:
        left_out = (
            f" {counted(explained.edges_left_out, 'edge')} of at most "
            f"{percent(explained.most_left_out)} are left out."
        )
    parts = [
        f"<section>\n<h2><bdi>{name}</bdi></h2>",
        blocks.facts(explained),
        *[f"<p>{html.escape(note)}</p>" for note in notes(explained)],
        "<h3>The encoding</h3>",
        '<p class="soft">Below each token: its id, its score, and in how many percent of all '
        "segmentations it begins and ends at a boundary.</p>",
        blocks.tokens(explained),
        "<h3>How probable a boundary is</h3>",
        blocks.heat_line(explained),
        "<h3>All segmentations</h3>",
        '<p class="soft">Each way from left to right is a segmentation. A line is as thick as its '
        f"piece is probable there; the encoding is blue.{left_out}</p>",
        '<div class="slider" hidden><label>Hide pieces below '
        '<input type="range" min="-6" max="0" step="0.1" value="-2"></label>'
        "<output></output></div>",
        '<div class="scroll" tabindex="0" role="group" aria-label="The lattice">'
        f"{svg(drawn(explained), 0.0)}</div>",
    ]
    if explained.nbest:
        parts += ["<h3>The best segmentations</h3>", blocks.paths(explained, explained.nbest)]
    parts += [
        "<h3>How many tokens a sample has</h3>",
        '<p class="soft">In percent, computed and not drawn; the encoding’s number is blue.</p>',
        '<div class="scroll" tabindex="0" role="group" aria-label="Numbers of tokens">'
        f"{blocks.token_counts(explained)}</div>",
    ]
    if explained.samples:
        parts += [
            f"<h3>{counted(len(explained.samples), 'sample')}, seed {explained.seed}, "
            f"alpha {number(explained.alpha)}</h3>",
            blocks.paths(explained, explained.samples),
        ]
    return "\n".join([*parts, "</section>"])
