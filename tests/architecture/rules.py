"""The rules that no ready-made tool knows: each takes a module and tells what breaks it."""

import ast
from collections.abc import Iterable, Iterator

from tests.architecture.source import Module, imports_of

MODULE_LINES = 400
FUNCTION_LINES = 50
DOCSTRING_LINES = 6

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}

# A library that can reach the network, run code or take the process down has one door.
DOORS = {
    "apprise": ["engine.people.notify"],
    "argon2": ["engine.security.passwords"],
    "bs4": ["engine.tools.builtin.markup"],
    "cryptography": ["engine.security.secrets"],
    "faiss": ["engine.memory.vector_index"],
    # The command line talks to the served API through its own client, which only ever goes to the local server.
    "httpx": ["engine.security.egress", "engine.cli.client"],
    # The MCP client knows no other HTTP library; its transport there is the egress door.
    "httpx2": ["engine.tools.mcp"],
    "kuzu": ["engine.memory.entity_graph"],
    "litellm": ["engine.llm.gateway"],
    "mcp": ["engine.tools.mcp"],
    "mcp_types": ["engine.tools.mcp"],
    "onnxruntime": ["engine.memory.embed"],
    "psycopg": ["engine.tools.builtin.postgres"],
    "pydantic_monty": ["engine.sandbox.monty"],
    "re2": ["engine.expressions", "engine.schemas"],
    # What Reflex does not promise: one module knows it, and a test fails when the version changes.
    "reflex_base": ["app.ui.reflex_inside"],
    "reflex_components_core": ["app.ui.reflex_inside"],
    "smtplib": ["engine.tools.builtin.mail"],
    "sentence_transformers": ["engine.memory.embed"],
    "tokenizers": ["engine.memory.embed"],
    # A few aliases can stand for billions of values: one module looks a text over before it builds anything of it.
    "yaml": ["engine.tools.written"],
    # Two more ways to the network that would go round the egress door.
    "aiohttp": [],
    "requests": [],
}

# Loading any of these can run code that came in as data.
BANNED_MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "cloudpickle"}
BANNED_CALLS = {"eval", "exec", "compile", "__import__"}
BANNED_YAML = {"load", "load_all", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all"}


def too_long(module: Module) -> Iterator[str]:
    lines = len(module.text.splitlines())
    if lines > MODULE_LINES:
        yield f"{module.path}: {lines} lines, at most {MODULE_LINES}: it answers more than one question"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{module.path}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"


def without_a_sentence(module: Module) -> Iterator[str]:
    if not module.text.strip():
        return
    docstring = ast.get_docstring(module.tree)
    if not docstring:
        yield f"{module.path}: no docstring; its first line says in one sentence what the module answers"
    elif not docstring.splitlines()[0].endswith((".", "?", "!")):
        yield f"{module.path}: the first line of the docstring is not one whole sentence"
    elif len(docstring.splitlines()) > DOCSTRING_LINES and not _is_in(module.name, "scripts"):
        yield f"{module.path}: the docstring has more than {DOCSTRING_LINES} lines; the longer story belongs in docs/decisions"


def vaguely_named(module: Module) -> Iterator[str]:
    for part in module.name.split("."):
        if vague := VAGUE_NAMES & set(part.split("_")):
            yield f"{module.path}: '{vague.pop()}' says nothing; name the subject"


def through_the_wall(module: Module) -> Iterator[str]:
    """Imports of a risky library elsewhere than in its door; a script is run by hand and is no part of the product."""
    if _is_in(module.name, "scripts"):
        return
    for found in imports_of(module):
        top = found.module.split(".")[0]
        doors = DOORS.get(top)
        if doors is not None and not any(_is_in(module.name, door) for door in doors):
            yield f"{module.path}:{found.line}: {top} is imported only by {' and '.join(doors) or 'nobody'}"


def dangerous(module: Module) -> Iterator[str]:
    for found in imports_of(module):
        if found.module.split(".")[0] in BANNED_MODULES:
            yield f"{module.path}:{found.line}: {found.module} can run what it loads"
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in BANNED_CALLS:
                yield f"{module.path}:{node.lineno}: {name}() runs text as code"
            case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in BANNED_YAML:
                yield f"{module.path}:{node.lineno}: yaml.{name} can build any object; use safe_load"
            case ast.ImportFrom(module="yaml", names=names) if BANNED_YAML & {alias.name for alias in names}:
                yield f"{module.path}:{node.lineno}: this yaml loader can build any object; use safe_load"
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                yield f"{module.path}:{node.value.lineno}: allow_pickle=True runs what the file says"


def impure(module: Module) -> Iterator[str]:
    """Built-in ways to the outside, which no import contract can see."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id="open" | "print" | "input" | "breakpoint" as name)):
                yield f"{module.path}:{node.lineno}: {name}() in a pure module"
            case ast.AsyncFunctionDef(name=name) | ast.Global(names=[name, *_]):
                yield f"{module.path}:{node.lineno}: {name}: a pure module neither waits nor keeps state"


def without_a_border(module: Module) -> Iterator[str]:
    """A write transaction that does not come past a fault point before and after its commit (engine/faultpoints.py)."""
    for function in ast.walk(module.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        borders = [node.lineno for node in ast.walk(function) if _is_border(node)]
        for node in ast.walk(function):
            if _commits(node) and not (any(line < node.lineno for line in borders) and any(line > node.lineno for line in borders)):
                yield f"{module.path}:{node.lineno}: a commit without a border before and after it: reach(…) both"
            if _begins(node) and not borders:
                yield f"{module.path}:{node.lineno}: a write transaction begins without a border: reach(…)"
    if module.name not in ("engine.storage.sqlite", "engine.people.records"):
        for found in imports_of(module):
            if found.module == "engine.storage.sqlite" and found.name == "writing":
                yield f"{module.path}:{found.line}: writing() is reached through Records"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Session", "sessionmaker"):
            if module.name != "engine.storage.sqlite":
                yield f"{module.path}:{node.lineno}: a session of its own could commit without a border"


def _commits(node: ast.AST) -> bool:
    """`execute("COMMIT")` and `session.commit()`; a commit of the journal takes what it is to write."""
    match node:
        case ast.Call(func=ast.Attribute(attr="execute" | "exec_driver_sql" | "executescript"), args=[ast.Constant(value=str(sql)), *_]):
            return "COMMIT" in sql.upper().split()
        case ast.Call(func=ast.Attribute(attr="commit"), args=[], keywords=[]):
            return True
        case _:
            return False


def _begins(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="execute"), args=[ast.Constant(value=str(sql)), *_]):
            return sql.upper().startswith("BEGIN IMMEDIATE")
        case _:
            return False


def _is_border(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reach"


def borders_of(module: Module) -> Iterator[str]:
    """The names that the module reaches; Bug if one is not written out."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id="reach"), args=[argument]):
                names = [part.value for part in ast.walk(argument) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
                yield from names or [f"{module.path}:{node.lineno}"]


def round_the_facade(module: Module, *, exported: Iterable[str], rooms: Iterable[str]) -> Iterator[str]:
    """For `app`: only exported names of `engine`. For `engine`: never its own facade, except in the command line."""
    is_app, is_room = _is_in(module.name, "app"), _is_in(module.name, "engine") and not _is_in(module.name, "engine.cli")
    for found in imports_of(module):
        if is_app and _is_in(found.module, "engine") and (found.module != "engine" or found.name not in set(exported)):
            wanted = found.module if found.name is None else f"{found.module}.{found.name}"
            yield f"{module.path}:{found.line}: {wanted} is not exported; app writes `from engine import <exported name>`"
        if is_room and found.module == "engine" and found.name not in set(rooms):
            yield f"{module.path}:{found.line}: a room imports another room, never the facade above it"


def exported_names(facade: Module) -> list[str]:
    for node in facade.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=names) | ast.Tuple(elts=names)):
                return [name.value for name in names if isinstance(name, ast.Constant) and isinstance(name.value, str)]
    return []


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
