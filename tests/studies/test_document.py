"""Reports as Markdown and HTML: nothing in a text is taken for markup."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.studies.document import Bullets, Code, Grid, Heading, Paragraph, Picture, html, markdown

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20)


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@settings(max_examples=30)
@given(TEXT, TEXT)
def test_html_shows_texts_as_they_are(first, second):
    reader = Reader()
    reader.feed(
        html([Heading(first, 1), Paragraph(second), Bullets([first]), Grid([first, second], [[second, first]])])
    )
    reader.close()
    assert reader.texts.count(first) + reader.texts.count(second) >= 4
    assert not {tag for tag, _ in reader.tags} & {"script", "img"}


def test_both_forms():
    parts = [
        Heading("A *study*", 1),
        Bullets(["one | two", "a_b"]),
        Grid(["", "x|y"], [["a", "1"]]),
        Code("linregions study"),
        Picture("scatter.png", b"\x89PNG", "a <picture>"),
    ]
    text, page = markdown(parts), html(parts)
    assert text.startswith("# A \\*study\\*\n\n* one | two\n* a\\_b\n\n")
    assert "|  | x\\|y |\n| --- | ---: |\n| a | 1 |" in text
    assert "```\nlinregions study\n```" in text
    assert "![a \\<picture>](scatter.png)" in text
    assert base64.b64encode(b"\x89PNG").decode() in page
    assert 'alt="a &lt;picture&gt;"' in page
