"""What a Python file imports, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

#: Conditions under which nothing is imported when a file runs.
FOR_TYPE_CHECKERS = ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imported(content: str | bytes, package: str = "", at_once: bool = False) -> Iterator[str]:
    """Yield the dotted names that a file may import; too many rather than too few.

    Of ``from a import b``, that is ``a`` and ``a.b``, as ``b`` may be a module.

    Args:
        content: of the file.
        package: that the file lies in, from which relative imports start; empty for none.
        at_once: whether to leave out what is imported inside functions, classes and conditions.

    Raises:
        SyntaxError: it is not Python.
    """
    tree = ast.parse(content)
    for node in tree.body if at_once else _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a file, but not those for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in FOR_TYPE_CHECKERS:
            yield from _running(ast.Module(node.orelse, []))
        else:
            yield node
            yield from _running(node)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """Return the whole name of the module that something is imported from."""
    if not node.level:
        return node.module or ""
    above = package.split(".")
    return ".".join([*above[: len(above) - node.level + 1], *filter(None, [node.module])])
