"""What of a page is known before anybody asks for it, worked out when its template is compiled.

An environment speaks one language, so what ``_("…")`` says is a constant in it; so is what a
macro makes of constants alone. Folding them leaves plain text where every answer would otherwise
look up the same words again.
"""

# ruff: noqa: N802  (jinja2 calls a visitor's methods by the names of the nodes)

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from babel.support import NullTranslations
from jinja2 import Environment, nodes, pass_eval_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext
from jinja2.runtime import Macro, markup_join, str_join
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

_SAID = frozenset({"_", "gettext"})
_COUNTED = "ngettext"
_PURE = "static_url"
_BLANK = re.compile(r"%\((\w+)\)s")
_MESSAGES = 4096


class Speaking(Environment):
    """A template environment that speaks the language of one catalogue.

    Messages are templates' own words and may hold markup; whatever fills their blanks is escaped.
    """

    def __init__(self, catalogue: NullTranslations, **options: Any) -> None:
        super().__init__(extensions=["jinja2.ext.i18n"], **options)
        self.catalogue = catalogue
        self.code_generator_class = Folding
        # Filling in and escaping are left to the functions, also by the statement `trans`.
        self.newstyle_gettext = True
        gettext = _gettext(catalogue)
        self.globals.update(_=gettext, gettext=gettext, ngettext=_ngettext(catalogue))


class Folding(CodeGenerator):
    """Compiles a template once its constant parts have been worked out."""

    _direct: frozenset[str] = frozenset()

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        """Fold the whole template, then generate its code."""
        assert isinstance(self.environment, Speaking)
        folder = _Folder(self.environment, node, EvalContext(self.environment, self.name))
        self._direct = folder.direct
        super().visit_Template(folder.visit(node), frame)

    def visit_Call(
        self,
        node: nodes.Call,
        frame: Frame,
        forward_caller: bool = False,  # noqa: FBT001, FBT002  (jinja2's own)
    ) -> None:
        """Call what is known to be a macro straight away: no need to find out at each answer."""
        if not isinstance(node.node, nodes.Name) or node.node.name not in self._direct:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(context.eval_ctx")
        self.signature(node, frame, {"caller": "caller"} if forward_caller else None)
        self.write(")")


class _Folder(NodeTransformer):
    """Replaces calls by what they return where that depends on nothing but the environment."""

    def __init__(self, environment: Speaking, tree: nodes.Template, context: EvalContext) -> None:
        self._environment, self._context = environment, context
        self._mark: type[str] = Markup if context.autoescape else str
        self._join = markup_join if context.autoescape else str_join
        renamed = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
        renamed |= {macro.name for macro in tree.find_all(nodes.Macro)}
        imported = _imported(environment, tree)
        self._macros = {name: macro for name, macro in imported if name not in renamed}
        self._ours = {*_SAID, _COUNTED, _PURE} - renamed
        self.direct = frozenset(self._macros.keys() | self._ours - {_PURE})
        """The names of functions that take the evaluation context first."""

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """Fold what a function is called with, then the call."""
        self.generic_visit(node)
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        if node.dyn_args or node.dyn_kwargs:
            return node
        if name in self._macros:
            return _made(node, self._macros[name], self._context)
        if name in _SAID & self._ours:
            return self._said(node)
        if name == _PURE and name in self._ours & self._environment.globals.keys():
            return _made(node, self._environment.globals[name])
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        """Fold what stands in the block and what its macro is called with, but not the call."""
        self.generic_visit(node.call)
        node.body = [self.visit(one) for one in node.body]
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """Join constants as an answer would: what is safe already is not escaped once more."""
        self.generic_visit(node)
        parts = [one.value for one in node.nodes if isinstance(one, nodes.Const)]
        return nodes.Const(self._join(parts)) if len(parts) == len(node.nodes) else node

    def _said(self, node: nodes.Call) -> nodes.Node:
        """Return the words of a message; answers fill in the blanks that are not constant."""
        match node.args:
            case [nodes.Const(value=str(message))]:
                words = self._environment.catalogue.gettext(message)
            case _:
                return node
        parts: list[nodes.Expr] = []
        blanks = {one.key: one.value for one in node.kwargs}
        for place, part in enumerate(_BLANK.split(words)):
            if place % 2:
                parts.append(blanks[part])
            elif "%" in part.replace("%%", ""):
                return node
            elif part:
                parts.append(nodes.Const(self._mark(part.replace("%%", "%"))))
        return parts[0] if len(parts) == 1 else self.visit_Concat(nodes.Concat(parts))


def _made(node: nodes.Call, function: Any, *first: EvalContext) -> nodes.Node:
    """Return what a function makes of constants, or the call if it is given anything else."""
    given = [one.value for one in node.args if isinstance(one, nodes.Const)]
    named = {one.key: one.value.value for one in node.kwargs if isinstance(one.value, nodes.Const)}
    if len(given) < len(node.args) or len(named) < len(node.kwargs):
        return node
    return nodes.Const(function(*first, *given, **named))


def _imported(environment: Environment, tree: nodes.Template) -> Iterator[tuple[str, Macro]]:
    """Yield the macros that a template imports, by the names it calls them."""
    for statement in tree.find_all(nodes.FromImport):
        if not isinstance(statement.template, nodes.Const) or statement.with_context:
            continue
        module = environment.get_template(statement.template.value).module
        for name in statement.names:
            there, here = name if isinstance(name, tuple) else (name, name)
            macro = getattr(module, there, None)
            if isinstance(macro, Macro):
                yield here, macro


def _gettext(catalogue: NullTranslations) -> Callable[..., str]:
    @lru_cache(_MESSAGES)
    def safe(message: str) -> str:
        return Markup(catalogue.gettext(message))  # noqa: S704  (our own words)

    @pass_eval_context
    def gettext(context: EvalContext, message: str, **blanks: object) -> str:
        words: str = safe(message) if context.autoescape else catalogue.gettext(message)
        return words % blanks

    return gettext


def _ngettext(catalogue: NullTranslations) -> Callable[..., str]:
    @lru_cache(_MESSAGES)
    def safe(singular: str, plural: str, num: int) -> str:
        return Markup(catalogue.ngettext(singular, plural, num))  # noqa: S704  (our own words)

    @pass_eval_context
    def ngettext(
        context: EvalContext, singular: str, plural: str, num: int, **blanks: object
    ) -> str:
        say = safe if context.autoescape else catalogue.ngettext
        return say(singular, plural, num) % {"num": num, **blanks}

    return ngettext
