"""Templates say the same whether their constant parts are worked out before or with each answer."""

from __future__ import annotations

import io

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.support import Translations
from jinja2 import DictLoader, StrictUndefined, select_autoescape

from web.folding import Speaking

GERMAN: dict[str | tuple[str, ...], str | tuple[str, ...]] = {
    "Skip to content": "Zum Inhalt",
    "<b>Now</b> or %(when)s": "<b>Jetzt</b> oder %(when)s",
    "100 %% sure": "100 %% sicher",
    ("%(num)s time of %(name)s", "%(num)s times of %(name)s"): (
        "%(num)s Termin von %(name)s",
        "%(num)s Termine von %(name)s",
    ),
}
PARTS = """
{% macro mark(name, large=false) %}<svg class="{{ name }}{{ ' large' if large }}" />{% endmacro %}
{% macro box(title) %}<h2>{{ title }}</h2>{{ caller() }}{% endmacro %}
{% set colour = "red" %}
"""


def speaking(**templates: str) -> Speaking:
    """Return an environment that speaks a little German and has these templates."""
    catalog = Catalog("de")
    for message, words in GERMAN.items():
        catalog.add(message, words)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Speaking(
        Translations(compiled),
        loader=DictLoader({"parts.html": PARTS, **templates}),
        autoescape=select_autoescape(("html",), ("txt",), default=True),
        undefined=StrictUndefined,
    )


def said(source: str, **context: object) -> str:
    """Return what a template of that source says in German."""
    return speaking(**{"page.html": source}).get_template("page.html").render(context)


def code(source: str) -> str:
    """Return the code that a template becomes."""
    return speaking().compile(source, "page.html", raw=True)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('{{ _("Skip to content") }}', "Zum Inhalt"),
        ('{{ _("Not translated") }}', "Not translated"),
        ('{{ _("100 %% sure") }}', "100 % sicher"),
        ('{{ _("<b>Now</b> or %(when)s", when=when) }}', "<b>Jetzt</b> oder &lt;3"),
        ('{{ _("<b>Now</b> or %(when)s", when="<4") }}', "<b>Jetzt</b> oder &lt;4"),
        ("{% trans when %}<b>Now</b> or {{ when }}{% endtrans %}", "<b>Jetzt</b> oder &lt;3"),
        ('{{ "<" ~ _("<b>Now</b> or %(when)s", when=4) }}', "&lt;<b>Jetzt</b> oder 4"),
        ("{{ gettext(message) }}", "Zum Inhalt"),
    ],
)
def test_a_message_is_said_in_the_language_and_what_fills_it_is_escaped(
    source: str, words: str
) -> None:
    assert said(source, when="<3", message="Skip to content") == words


@pytest.mark.parametrize(
    ("num", "words"), [(1, "1 Termin von A&amp;B"), (2, "2 Termine von A&amp;B")]
)
def test_a_number_takes_its_form_of_the_words(num: int, words: str) -> None:
    source = '{{ ngettext("%(num)s time of %(name)s", "%(num)s times of %(name)s", n, name=name) }}'

    assert said(source, n=num, name="A&B") == words


def test_letters_of_plain_text_are_not_escaped() -> None:
    source = '{{ _("<b>Now</b> or %(when)s", when=when) }} & {{ _("Skip to content") ~ when }}'

    letter = speaking(**{"letter.txt": source}).get_template("letter.txt").render(when="<3")

    assert letter == "<b>Jetzt</b> oder <3 & Zum Inhalt<3"


def test_constant_words_and_macros_of_constants_are_text_in_the_code() -> None:
    source = (
        '{% from "parts.html" import mark %}<p>{{ mark("clock") }}{{ _("Skip to content") }}</p>'
    )

    generated = code(source)

    assert '<p><svg class="clock" />Zum Inhalt</p>' in generated.replace("\\'", "'")


def test_macros_of_what_an_answer_knows_are_made_with_it() -> None:
    source = (
        '{% from "parts.html" import box, mark as drawn %}'
        "{% block main %}{% for name in names %}{{ drawn(name, large=true) }}{% endfor %}"
        '{% call box(_("Skip to content")) %}{{ drawn("clock") }}{% endcall %}{% endblock %}'
    )

    page = said(source, names=["<a>"])

    assert page == ('<svg class="&lt;a&gt; large" /><h2>Zum Inhalt</h2><svg class="clock" />')


@pytest.mark.parametrize(
    "source",
    [
        "{% macro _(word) %}[{{ word }}]{% endmacro %}{{ _('Skip to content') }}",
        "{% macro say(word) %}[{{ word }}]{% endmacro %}{% set _ = say %}{{ _('Skip to content') }}",
    ],
)
def test_a_name_that_a_template_gives_to_something_else_is_left_alone(source: str) -> None:
    assert said(source) == "[Skip to content]"
