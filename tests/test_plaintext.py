"""The text derived from an HTML body: what a reader is shown, and that no markup breaks or delays it."""

from __future__ import annotations

import re
from html import escape
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_mail._mime.plaintext import text_from_html


@pytest.mark.parametrize(
    "html, text",
    [
        pytest.param("<p>One</p><p>Two</p>", "One\n\nTwo", id="paragraphs"),
        pytest.param("<p>One<p>Two", "One\n\nTwo", id="paragraphs left open"),
        pytest.param("<h1>Title</h1>Text", "Title\n\nText", id="heading"),
        pytest.param("<div>One</div><div>Two</div>", "One\nTwo", id="divisions"),
        pytest.param("<div><div><p>One</p></div></div><p>Two", "One\n\nTwo", id="nested blocks"),
        pytest.param("One<br>Two<BR/>Three", "One\nTwo\nThree", id="br"),
        pytest.param("One<br><br>Two", "One\n\nTwo", id="two br"),
        pytest.param("One<br><br><br><br>Two", "One\n\nTwo", id="many br"),
        pytest.param("<div>One<br></div><div>Two</div>", "One\nTwo", id="br at the end of a block"),
        pytest.param("One</br>Two", "One\nTwo", id="br as an end tag"),
        pytest.param("One</p>Two", "One\n\nTwo", id="end tag alone"),
        pytest.param("One<hr>Two", "One\n\n---\n\nTwo", id="rule"),
        pytest.param("<dl><dt>Term<dd>Meaning<dt>Other</dl>", "Term\nMeaning\nOther", id="definitions"),
        pytest.param("<blockquote><p>One<p>Two</blockquote>Three", "> One\n\n> Two\n\nThree", id="quote"),
        pytest.param("<select><option>One<option>Two</select>", "One\nTwo", id="options"),
        pytest.param("<p></p><div></div><p>One</p><p> </p>", "One", id="empty blocks"),
    ],
)
def test_blocks(html, text):
    """A block starts on a line of its own, a paragraph after one blank line."""
    assert text_from_html(html) == text


@pytest.mark.parametrize(
    "html, text",
    [
        pytest.param("<ul><li>One<li>Two</ul>", "- One\n- Two", id="bullets"),
        pytest.param("<ol><li>One</li><li>Two</li></ol>", "1. One\n2. Two", id="numbers"),
        pytest.param("<ol start=9><li>One<li>Two</ol>", "9. One\n10. Two", id="start"),
        pytest.param("<ol start=x><li>One</ol>", "1. One", id="start that is no number"),
        pytest.param("<ol><li>One<li hidden>No<li>Two</ol>", "1. One\n2. Two", id="hidden item"),
        pytest.param("Before<ul><li>One</ul>After", "Before\n\n- One\n\nAfter", id="apart from text"),
        pytest.param(
            "<ul><li>One<ol><li>In<li>Out</ol></li><li>Two</ul>",
            "- One\n  1. In\n  2. Out\n- Two",
            id="nested",
        ),
        pytest.param("<ul><li>One<br>more</ul>", "- One\n  more", id="hanging line"),
        pytest.param("<ul><li><p>One</p></li><li><p>Two</p></li></ul>", "- One\n\n- Two", id="paragraphs"),
        pytest.param("<ul><li></li></ul>Text", "Text", id="empty item"),
        pytest.param("<li>One", "- One", id="no list"),
        pytest.param("<blockquote><ul><li>One</ul></blockquote>", "> - One", id="quoted"),
    ],
)
def test_lists(html, text):
    """An item starts with a dash or its number, and its further lines are indented as far."""
    assert text_from_html(html) == text


@pytest.mark.parametrize(
    "html, text",
    [
        pytest.param(
            '<a href="https://shop.example/c?a=1&amp;b=2">Confirm</a>.',
            "Confirm <https://shop.example/c?a=1&b=2>.",
            id="address",
        ),
        pytest.param("<a href='https://x.example'> https://x.example\n</a>", "https://x.example", id="same"),
        pytest.param("<a href=mailto:a@x.example>a@x.example</a>", "a@x.example", id="mail address"),
        pytest.param(
            "<a href=mailto:a@x.example>Write</a>", "Write <mailto:a@x.example>", id="named mail address"
        ),
        pytest.param("<a href=tel:+4930>+4930</a>", "+4930", id="telephone"),
        pytest.param("<a href='#top'>Up</a>", "Up", id="fragment"),
        pytest.param("<a href='JavaScript:go()'>Go</a>", "Go", id="script"),
        pytest.param("<a name=here>Here</a>", "Here", id="no address"),
        pytest.param(
            "<a href=' https://x.example/a b\n'>X</a>", "X <https://x.example/a%20b>", id="white space"
        ),
        pytest.param(
            "<a href=https://x.example><table><tr><td>Confirm</table></a><p>Bye",
            "Confirm <https://x.example>\n\nBye",
            id="around a block",
        ),
        pytest.param(
            "<a href=https://x.example><img src=b.png></a>", "<https://x.example>", id="image without words"
        ),
        pytest.param(
            "<a href=https://x.example><img src=b.png alt=Buy></a>", "Buy <https://x.example>", id="image"
        ),
        pytest.param("<a href=/1>One<a href=/2>Two", "One </1>Two </2>", id="left open"),
        pytest.param(
            "<a href=/1>One<b hidden><a href=/2>No</a></b></a>", "One </1>", id="hidden link inside"
        ),
    ],
)
def test_links(html, text):
    """A link is followed by its address, unless the words say it already or nobody could use it."""
    assert text_from_html(html) == text


@pytest.mark.parametrize(
    "html, text",
    [
        pytest.param("<table><tr><td>Mug</td><td>12.00</td></tr></table>", "Mug 12.00", id="cells"),
        pytest.param("<table><tr><th>A<th>B<tr><td>1<td>2</table>", "A B\n1 2", id="end tags left out"),
        pytest.param(
            "<table><thead><tr><th>A<tbody><tr><td>1<tfoot><tr><td>2</table>", "A\n1\n2", id="row groups"
        ),
        pytest.param(
            "<table><tr><td>One<p>Two<td>Three</table>", "One\n\nTwo\n\nThree", id="blocks in a cell"
        ),
        pytest.param("A<table><tr><td>B</table>C", "A\n\nB\n\nC", id="apart from text"),
    ],
)
def test_tables(html, text):
    """A row is a line, its cells are a space apart."""
    assert text_from_html(html) == text


@pytest.mark.parametrize(
    "html",
    [
        pytest.param("<head><meta charset=utf-8><title>No</title>No</head>Yes", id="head"),
        pytest.param("<head><title>No</title><body>Yes", id="head left open"),
        pytest.param("<title>No <b>no</b></title>Yes", id="title"),
        pytest.param("<style>no { color: red }</style>Yes", id="style"),
        pytest.param("<SCRIPT type='a>b'>no('</b>')</Script >Yes", id="script"),
        pytest.param("<script>no()</script lang='x'>Yes", id="script, end tag with attribute"),
        pytest.param("<script>no('</scripted>')</script>Yes", id="script with a longer tag"),
        pytest.param("Yes<script>no()", id="script left open"),
        pytest.param("Yes<script src=no", id="script tag left open"),
        pytest.param("<template><p>No</p></template>Yes", id="template"),
        pytest.param("<p style='color:red; DISPLAY : none !important'>No<p>Yes", id="display none"),
        pytest.param("<div hidden>No <div>no</div> no</div>Yes", id="hidden"),
        pytest.param("<span hidden>No<br>no<img alt=no></span>Yes", id="hidden br and image"),
        pytest.param("<img alt=No hidden>Yes", id="hidden image"),
        pytest.param("<!-- no <p>no</p> -->Yes", id="comment"),
        pytest.param("<!-->Yes<!--->", id="empty comments"),
        pytest.param("Yes<!-- no", id="comment left open"),
        pytest.param("<!--[if mso]><p>No</p><![endif]-->Yes", id="conditional comment"),
        pytest.param("<!--[if !mso]><!-->Yes<!--<![endif]-->", id="conditional comment, shown to others"),
        pytest.param("<![if !mso]>Yes<![endif]>", id="bare condition"),
        pytest.param("<!DOCTYPE html><?xml version='1.0'?>Yes", id="declarations"),
        pytest.param("Yes<![x[no", id="unknown marked section left open"),
        pytest.param("Yes</", id="end tag left open"),
        pytest.param("<iframe>no</iframe>Yes", id="frame"),
    ],
)
def test_hidden(html):
    """What a browser does not show is left out, and nothing else is."""
    assert text_from_html(html) == "Yes"


@pytest.mark.parametrize(
    "html, text",
    [
        pytest.param("  One \n\t two  ", "One two", id="folded"),
        pytest.param("<b>One</b> <i>two</i>", "One two", id="between elements"),
        pytest.param("<b>O</b>ne<i> two</i>", "One two", id="inside a word"),
        pytest.param("One&nbsp;&nbsp;two", "One two", id="no-break space"),
        pytest.param("Hi&nbsp;&zwnj;&nbsp;&#847;&shy;\u200b\u2007", "Hi", id="fillers"),
        pytest.param("<p>Hi</p><p>&zwnj;</p><div>You</div>", "Hi\n\nYou", id="line of fillers"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="joiner between letters"),
        pytest.param("👩\u200d💻", "👩\u200d💻", id="joiner between emoji"),
        pytest.param("hy&shy;phen", "hyphen", id="soft hyphen"),
        pytest.param("&lt;b&gt; &amp;amp; &euro;&#8364;&#x20ac", "<b> &amp; €€€", id="entities"),
        pytest.param("A &unknown; B & C", "A &unknown; B & C", id="no entity"),
        pytest.param("&#" + "1" * 5000 + ";", "\ufffd", id="number without end"),
        pytest.param("1 < 2 > 1", "1 < 2 > 1", id="less than"),
        pytest.param("<img src=a alt='A &amp; B'>C<img src=d>", "A & B C", id="alt"),
        pytest.param("<p title='a > b'>One", "One", id="greater than in an attribute"),
        pytest.param("<p class=it's>One <p>don't", "One\n\ndon't", id="quote in a bare attribute"),
        pytest.param("<b><p>One</b>two</p>three", "One\n\ntwo\n\nthree", id="crossed tags"),
        pytest.param("<o:p>One</o:p><x-y>two</x-y>", "Onetwo", id="unknown elements"),
    ],
)
def test_words(html, text):
    """Words are decoded, and white space between them is one space."""
    assert text_from_html(html) == text


@pytest.mark.parametrize(
    "html, text",
    [
        pytest.param("A<pre>\n  one  \n\n\n    two\n</pre>B", "A\n\n  one\n\n\n    two\n\nB", id="pre"),
        pytest.param("<pre>one <b>\n two</b><br>three</pre>", "one\n two\nthree", id="elements in pre"),
        pytest.param("<pre>\r\n one\r\n two</pre>", " one\n two", id="line ends"),
        pytest.param("<pre> \n </pre>A", "A", id="empty pre"),
        pytest.param("<ul><li><pre>a\n\n b</pre></ul>", "- a\n\n   b", id="pre in a list"),
        pytest.param("<p style='white-space: pre-line'>a\nb</p>", "a\nb", id="style"),
    ],
)
def test_preformatted_text(html, text):
    """Lines and indentation of preformatted text are kept."""
    assert text_from_html(html) == text


def test_whole_mail():
    """A mail as templates make them becomes one that reads well."""
    html = """
        <!DOCTYPE html>
        <html><head><title>Invoice</title><style>p { margin: 0 }</style></head><body>
        <div style="display:none">Preview&zwnj;&nbsp;</div>
        <img src="cid:logo" alt="The Shop">
        <h1>Invoice #12</h1>
        <p>Dear Bob, thank you for <b>your order</b>:</p>
        <table><tr><th>Item</th><th>Price</th></tr><tr><td>Blue mug</td><td>12.00</td></tr></table>
        <p><a class="button" href="https://shop.example/pay">Pay now</a></p>
        <p>Questions?<br>Write to <a href="mailto:help@shop.example">help@shop.example</a>.</p>
        </body></html>
    """

    text = text_from_html(html)

    assert text == (
        "The Shop\n\nInvoice #12\n\nDear Bob, thank you for your order:\n\nItem Price\nBlue mug 12.00\n\n"
        "Pay now <https://shop.example/pay>\n\nQuestions?\nWrite to help@shop.example."
    )


@pytest.mark.parametrize(
    "part",
    [
        "<div>",
        "<ul><li>x",
        "<blockquote>x",
        "<a href=x><b>",
        "<a ",
        "<a b='",
        "<a b=c   ",
        "<!--",
        "<![",
        "</",
        "<script ",
        "<script></script",
        "<p style='display ",
        "<pre>x\n",
        "&#1",
        "&zwnj;&nbsp;",
        "\u200c",
    ],
)
def test_time_grows_with_length_only(part):
    """A megabyte of any one thing, nested or never closed, takes seconds: a square would take hours."""
    html = part * (1_000_000 // len(part))
    start = perf_counter()

    text = text_from_html(html)

    assert perf_counter() - start < 15
    assert len(text) < 15 * len(html)


def test_indentation_has_an_end():
    """Quotes in quotes in quotes do not make the text grow with the square of their depth."""
    text = text_from_html("<blockquote>x" * 1000)

    assert max(map(len, text.splitlines())) < 30


TAGS = "a b p div ul ol li table tr td br hr img pre blockquote h1 span head title script"
tags = st.sampled_from(TAGS.split())
attributes = st.sampled_from(
    ["", " hidden", " style='display:none'", " href=/x", ' alt="', " start=3", " a='"]
)
scraps = st.one_of(
    st.builds("<{}{}>".format, tags, attributes),
    st.builds("</{}>".format, tags),
    st.sampled_from(
        ["<", "<!--", "-->", "<![x[", "]]>", "<!x ", "<?", "</", "&", "&#", "&zwnj;", "&nbsp;", "\n", " "]
    ),
    st.text(max_size=5),
)
documents = st.lists(scraps, max_size=40).map("".join)


@given(documents)
def test_no_markup_breaks_it(html):
    """Whatever the markup, the text has no space at the end of a line and no blank line at its ends."""
    text = text_from_html(html)

    lines = text.split("\n")
    assert lines == [line.rstrip() for line in lines]
    assert text == text.strip("\n")


@given(documents.filter(lambda html: "<pre" not in html))
def test_one_blank_line_at_most(html):
    """Outside of preformatted text two blank lines never follow each other."""
    assert "\n\n\n" not in text_from_html(html)


words = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
inline = st.recursive(
    words.map(escape),
    lambda children: st.one_of(
        st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["b", "span", "font", "x-y"]), children),
        st.lists(children, max_size=3).map(" ".join),
    ),
)
blocks = st.recursive(
    inline,
    lambda children: st.one_of(
        st.builds(
            "<{0}>{1}</{0}>".format, st.sampled_from(["div", "section", "td", "ul", "li", "pre"]), children
        ),
        st.lists(children, max_size=3).map("<br>".join),
        st.lists(children, max_size=3).map("<p>".join),
    ),
)


@given(blocks)
def test_every_word_survives(html):
    """All that is shown is in the text, in the same order."""
    text = text_from_html(html)

    shown = re.sub(r"<[^>]*>", " ", html)
    assert re.findall(r"[^\W_]+", text) == re.findall(r"[^\W_]+", shown)


@given(st.text(), documents)
def test_scripts_are_left_out(script, html):
    """Nothing of a script is shown, whatever is in it."""
    text = text_from_html(f"<script>alert('seCret'){script}</script>{html}")

    assert "seCret" not in text


@given(st.text())
def test_escaped_text_comes_back(text):
    """Any text, escaped as templates do, comes back with its white space folded."""
    visible = re.sub("[\u00ad\u034f\u200b-\u200d\u2060\ufeff]", "", text)

    derived = re.sub("[\u200c\u200d]", "", text_from_html(escape(visible)))

    assert derived == " ".join(visible.split())
