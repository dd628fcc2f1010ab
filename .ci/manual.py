"""The parts of the manual that are made from other files.

mkdocs calls the functions that begin with `on_`. They show the help of all commands on cli.md, put
the manual page bytepiece.1 and the Markdown of all pages into the site, and mend links to files
outside of docs/.

    python .ci/manual.py            writes docs/llms.txt, the list of all pages
    python .ci/manual.py man        prints the manual page, for man(1)
"""

import inspect
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
from bytepiece_cli.main import cli

import bytepiece

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
NAV = ROOT / "mkdocs.yml"
MADE_HERE = "<!-- commands -->"


class Help(NamedTuple):
    """The help of a command: its name, and the parts that `--help` prints."""

    name: str
    usage: str
    short: str
    paragraphs: list[tuple[bool, str]]
    """Whether the paragraph keeps its lines, as examples do, and its text."""
    options: list[tuple[str, str]]


def commands() -> Iterator[Help]:
    """Yield the help of the program and of each of its commands."""
    top = click.Context(cli, info_name="bytepiece", **cli.context_settings)
    yield _help(cli, top)
    for name in cli.list_commands(top):
        command = cli.get_command(top, name)
        assert command is not None
        yield _help(command, click.Context(command, info_name=name, parent=top))


def _help(command: click.Command, ctx: click.Context) -> Help:
    paragraphs = []
    for text in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        literal = text.startswith("\b")
        lines = text.removeprefix("\b\n")
        paragraphs.append((literal, lines if literal else " ".join(lines.split())))
    options = [p for p in command.get_params(ctx) if isinstance(p, click.Option)]
    records = [record for option in options if (record := option.get_help_record(ctx))]
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    return Help(ctx.command_path, usage, command.get_short_help_str(100), paragraphs, records)


def commands_page() -> str:
    """Return the help of all commands in Markdown."""
    parts = []
    for name, usage, _, paragraphs, options in commands():
        parts.append(f"## {name}\n\n```text\n{usage}\n```")
        for literal, text in paragraphs:
            if literal:
                title, _, lines = text.partition("\n")
                parts.append(f"{title}\n\n```sh\n{inspect.cleandoc(lines)}\n```")
            else:
                parts.append(_plain(text))
        rows = [f"| `{names}` | {_plain(text)} |" for names, text in options]
        parts.append("\n".join(["| option | what it does |", "| --- | --- |", *rows]))
    return "\n\n".join(parts)


def _plain(text: str) -> str:
    """Return a text of the help so that Markdown shows it as it is; code stays code."""
    parts = text.split("`")
    parts[::2] = [
        re.sub(r"[\\*_<>|\[\]]", lambda c: f"&#{ord(c[0])};", part) for part in parts[::2]
    ]
    return "`".join(parts)


def man_page() -> str:
    """Return the manual page of the program and all its commands, in the language of man(7)."""
    program, *others = commands()
    lines = [
        f'.TH BYTEPIECE 1 "" "bytepiece {bytepiece.__version__}" "User Commands"',
        ".SH NAME",
        _roff("bytepiece - " + program.short.rstrip(".")),
        ".SH SYNOPSIS",
        _roff(program.usage),
        ".SH DESCRIPTION",
        *_man_body(program),
        ".SH COMMANDS",
    ]
    for command in others:
        lines += [f".SS {_roff(command.usage)}", *_man_body(command)]
    return "\n".join(lines) + "\n"


def _man_body(command: Help) -> Iterator[str]:
    for literal, text in command.paragraphs:
        yield from [".PP", ".nf", _roff(text), ".fi"] if literal else [".PP", _roff(text)]
    for names, text in command.options:
        yield from [".TP", rf"\fB{_roff(names)}\fR", _roff(text)]


def _roff(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", escaped)


def nav() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the sections of the site in order, each with the titles and paths of its pages."""
    sections: list[tuple[str, list[tuple[str, str]]]] = []
    text = NAV.read_text("utf-8").partition("\nnav:\n")[2]
    for indent, title, path in re.findall(r"^( +)- (?:(.+?): ?)?(\S+\.md)?$", text, re.M):
        if not path:
            sections.append((title, []))
        else:
            assert len(indent) > 2, f"{path} is in no section"
            sections[-1][1].append((title, path))
    return sections


def llms_txt() -> str:
    """Return the list of all pages for language models: https://llmstxt.org."""
    lines = [
        "# bytepiece",
        "",
        "> A byte-level Unigram tokenizer toolkit for Python: train a vocabulary, encode text into",
        "> token ids without loss, and draw random segmentations that follow the exact law.",
        "",
        "Install it from a clone of its repository. The package called bytepiece in the Python",
        "package index is another library.",
    ]
    for section, pages in nav():
        lines += ["", f"## {section}", ""]
        for title, path in pages:
            text = (DOCS / path).read_text("utf-8")
            url = path.removesuffix(".md") + "/" if path.startswith("api/") else path
            lines.append(f"- [{title}]({url}): {_first_sentence(text)}")
    return "\n".join(lines) + "\n"


def _first_sentence(page: str) -> str:
    paragraph = page.split("\n\n", 2)[1]
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
    return re.split(r"(?<=[.:?]) (?=[A-Z`])", text)[0].rstrip(":")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Put the commands' help into their page, and mend links that lead out of docs/."""
    here = posixpath.dirname(page.file.src_uri)

    def mended(link: re.Match[str]) -> str:
        title, target = link.groups()
        path = posixpath.normpath(posixpath.join("docs", here, target))
        if path.startswith("docs/"):
            return link.group()
        url = config.repo_url
        return f"[{title}]({url.rstrip('/')}/blob/main/{path})" if url else f"{title} (`{path}`)"

    # A second word after the language of a block tells the tests which library it needs.
    markdown = re.sub(r"(?m)^```(\w+) \w+$", r"```\1", markdown)
    markdown = re.sub(r"(?<!!)\[([^]]*)\]\(((?:\.\./)+[^)]+)\)", mended, markdown)
    if MADE_HERE in markdown:
        markdown = markdown.replace(MADE_HERE, commands_page())
    # The Markdown itself is in the site, too: llms.txt names it.
    copy = Path(config.site_dir) / page.file.src_uri
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(markdown, "utf-8")
    return markdown


def on_post_build(*, config: Any, **_: Any) -> None:
    """Put the manual page into the site."""
    (Path(config.site_dir) / "bytepiece.1").write_text(man_page(), "utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["man"]:
        sys.stdout.write(man_page())
    else:
        (DOCS / "llms.txt").write_text(llms_txt(), "utf-8")
