"""The repository as its own tests read it: every kept file, every module with its syntax tree, parsed once."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, cached_property
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
APPS = ("config", "core", "accounts", "markets", "trading", "risk", "audit", "notifications")
ROOMS = (*APPS, "venues")

Function = ast.FunctionDef | ast.AsyncFunctionDef
NodeT = TypeVar("NodeT", bound=ast.AST)


@dataclass(frozen=True)
class Module:
    path: PurePosixPath
    text: str

    @property
    def room(self) -> str:
        return self.path.parts[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[Any]]:
        """Its nodes by their class: most questions are about a few classes, and the tree has half a million nodes."""
        found: dict[type[ast.AST], list[Any]] = defaultdict(list)
        for node in ast.walk(self.tree):
            found[type(node)].append(node)
        return found

    def of(self, *kinds: type[NodeT]) -> Iterator[NodeT]:
        """Its nodes of these classes."""
        return chain.from_iterable(self._by_kind[kind] for kind in kinds)

    @property
    def functions(self) -> Iterator[Function]:
        return self.of(ast.FunctionDef, ast.AsyncFunctionDef)

    def at(self, node: ast.AST, *words: object) -> str:
        """How a finding is told: where it is, and what it is."""
        return " ".join([f"{self.path}:{getattr(node, 'lineno', 1)}", *map(str, words)])


@cache
def kept_files() -> tuple[Path, ...]:
    """Every file of the repository that `.gitignore` does not name."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
    return tuple(sorted(_walk(ROOT, [*ignored, ".git", ".git*"])))


def _walk(folder: Path, ignored: list[str]) -> Iterator[Path]:
    for entry in folder.iterdir():
        if any(fnmatch(entry.name, pattern) for pattern in ignored):
            continue
        if entry.is_dir():
            yield from _walk(entry, ignored)
        else:
            yield entry


@cache
def modules() -> tuple[Module, ...]:
    """Every Python module but the generated ones (migrations)."""
    paths = (path.relative_to(ROOT) for path in kept_files() if path.suffix == ".py")
    return tuple(
        Module(PurePosixPath(path.as_posix()), (ROOT / path).read_text())
        for path in paths
        if "migrations" not in path.parts
    )


@cache
def program() -> tuple[Module, ...]:
    """The modules of the program itself: no tests, no tools."""
    return tuple(module for module in modules() if module.room in ROOMS)


def lines_of(node: Function | ast.ClassDef) -> int:
    """From its first line to its last; decorators aside."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def lines_of_body(node: Function | ast.ClassDef) -> int:
    """What it does, without what explains it: signature and docstring aside."""
    first = node.body[1] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body[0]
    return (node.end_lineno or node.lineno) - first.lineno + 1
