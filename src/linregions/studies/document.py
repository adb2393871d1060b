"""A report as a list of parts, written as Markdown, or as one HTML file that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1b2440}
table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{padding:.3rem .7rem;border-bottom:1px solid #d5d8de;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #8a8f98}
pre{background:#f3f4f6;padding:.7rem;overflow-x:auto}img{max-width:100%}"""


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Lines to be shown as they are."""

    text: str


@dataclass(frozen=True)
class Grid:
    """A table: its head, and rows of as many cells."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A picture: the file beside the Markdown, and its bytes for the HTML."""

    name: str
    content: bytes
    text: str
    kind: str = "image/png"


Part = Heading | Paragraph | Bullets | Code | Grid | Picture


def markdown(parts: Sequence[Part]) -> str:
    """The parts as Markdown; pictures are links to files."""
    return "\n\n".join(_markdown(part) for part in parts) + "\n"


def html(parts: Sequence[Part]) -> str:
    """The parts as one HTML page, pictures inside."""
    title = next((part.text for part in parts if isinstance(part, Heading)), "report")
    head = f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>'
    body = "\n".join(_html(part) for part in parts)
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def _markdown(part: Part) -> str:
    match part:
        case Heading():
            return f"{'#' * part.level} {_plain(part.text)}"
        case Paragraph():
            return _plain(part.text)
        case Bullets():
            return "\n".join(f"* {_plain(item)}" for item in part.items)
        case Code():
            return f"```\n{part.text}\n```"
        case Grid():
            lines = [part.head, ["---"] + ["---:"] * (len(part.head) - 1), *part.rows]
            return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)
        case Picture():
            return f"![{_plain(part.text)}]({part.name})"


def _html(part: Part) -> str:
    match part:
        case Heading():
            return f"<h{part.level}>{escape(part.text)}</h{part.level}>"
        case Paragraph():
            return f"<p>{escape(part.text)}</p>"
        case Bullets():
            return "<ul>\n" + "\n".join(f"<li>{escape(item)}</li>" for item in part.items) + "\n</ul>"
        case Code():
            return f"<pre>{escape(part.text)}</pre>"
        case Grid():
            head = "".join(f"<th>{escape(cell)}</th>" for cell in part.head)
            rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in part.rows)
            body = "\n".join(f"<tr>{row}</tr>" for row in rows)
            return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
        case Picture():
            data = base64.b64encode(part.content).decode()
            return f'<p><img alt="{escape(part.text)}" src="data:{part.kind};base64,{data}"></p>'


def _plain(text: str) -> str:
    """Text whose characters mean nothing to Markdown."""
    for sign in "\\`*_[]<":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text if set(text) <= set("-:") and text else _plain(text).replace("|", "\\|")
