"""The product's own source files, read once for every rule that looks at them."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("engine", "app", "scripts")


@dataclass(frozen=True)
class Module:
    """One Python file: where it stands, its dotted name and its text."""

    path: str
    text: str

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


@dataclass(frozen=True)
class Import:
    """One imported thing: the module, the name taken from it (None for `import module`) and the line."""

    module: str
    name: str | None
    line: int


def product_modules() -> list[Module]:
    files = (path for top in PRODUCT for path in sorted((ROOT / top).rglob("*.py")))
    return [Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in files]


def imports_of(module: Module) -> Iterator[Import]:
    """Every import of the module, wherever it stands, relative ones and `import_module("name")` included."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield Import(alias.name, None, node.lineno)
            case ast.ImportFrom():
                for alias in node.names:
                    yield Import(_absolute(module, node), alias.name, node.lineno)
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield Import(name, None, node.lineno)


def tracked_files() -> list[Path]:
    """What a clone would hold: files git tracks and files it would add; where there is no git, the main folders."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        every = (path for top in (*PRODUCT, "tests", "docs") for path in (ROOT / top).rglob("*") if path.is_file())
        return [path for path in every if "__pycache__" not in path.parts]
    return [path for name in found.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    kept = package[: len(package) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])
