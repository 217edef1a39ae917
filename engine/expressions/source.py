"""Where things stand in the source of an expression: quotes, brackets, and the places of syntax tree nodes."""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata

from engine.expressions.errors import NotReadable

_PAIRS = {")": "(", "]": "[", "}": "{"}
_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT_END = re.compile(r"[\r\n]|\}\}")
_WORD = re.compile(r"[ \t]*([A-Za-z]+)(?!\w)")
_SLICE_SHOWN = 80


def end_of_text(source: str, start: int) -> int:
    """The index behind the quoted text that starts at `start`. NotReadable if its closing quote is missing."""
    quote = source[start]
    mark = quote * 3 if source.startswith(quote * 3, start) else quote
    index = start + len(mark)
    while index < len(source):
        if source[index] == "\\":
            index += 2
        elif source.startswith(mark, index):
            return index + len(mark)
        elif len(mark) == 1 and source[index] in "\r\n":
            break
        else:
            index += 1
    raise NotReadable("The text that starts here has no closing quote", position=start)


def check_brackets(source: str) -> list[int]:
    """NotReadable unless every bracket outside quotes and comments has its partner.

    Returns where keys stand that Python takes for words of its own, as in `email.from`.
    """
    index, opened, words = 0, list[int](), list[int]()
    while index < len(source):
        character = source[index]
        if character in "'\"":
            index = end_of_text(source, index)
            continue
        if character == "#":
            end = _LINE_END.search(source, index)
            index = end.start() if end else len(source)
            continue
        if character in "([{":
            opened.append(index)
        elif character in _PAIRS:
            if not opened or source[opened.pop()] != _PAIRS[character]:
                raise NotReadable(f"There is a `{character}` here that nothing opened", position=index)
        elif character == "." and (word := _WORD.match(source, index + 1)) and keyword.iskeyword(word.group(1)):
            words.extend([] if _is_number_before(source, index) else [word.start(1)])
        index += 1
    if opened:
        raise NotReadable(f"The `{source[opened[-1]]}` here is never closed", position=opened[-1])
    return words


def _is_number_before(source: str, dot: int) -> bool:
    start = dot
    while start and (source[start - 1].isalnum() or source[start - 1] == "_"):
        start -= 1
    return source[start:dot][:1].isdigit()


def end_of_placeholder(source: str, start: int, limit: int) -> int | None:
    """The index of the `}}` that ends the expression at `start`, or None if there is none within `limit` characters.

    Quoted texts and objects are skipped, so that `{{ {"a": {"b": "}}"}} }}` is one expression. NotReadable for an open quote.
    """
    index, opened, stop = start, list[str](), min(len(source), start + limit + 2)
    while index < stop:
        character = source[index]
        if character in "'\"":
            index = end_of_text(source, index)
            continue
        if character == "#":
            end = _COMMENT_END.search(source, index)
            if end is None:
                return None
            index = end.start()
            opened = [] if end.group() == "}}" else opened
            continue
        if character in "([{":
            opened.append(character)
        elif character == "}" and source.startswith("}}", index) and "{" not in opened:
            return index
        elif character in _PAIRS and opened:
            while opened and opened.pop() != _PAIRS[character]:
                pass
        index += 1
    return None


class Source:
    """The text of one expression, and where each node of its syntax tree stands in it.

    `base` maps a body ("x -> …") into the expression around it: its index there, or None where escapes hide it.
    """

    def __init__(self, text: str, opening: str, base: int = 0, exact: bool = True) -> None:
        self.text = text
        self._base = base
        self._exact = exact
        self._opening = len(opening)
        self._starts = [0, *(m.end() for m in _LINE_END.finditer(text))]
        self._ends = [*(m.start() for m in _LINE_END.finditer(text)), len(text)]

    def index(self, line: int, byte: int) -> int:
        """The index in this text of a place that `ast` tells as a line from 1 and a byte offset."""
        if line > len(self._starts):
            return len(self.text)
        byte -= self._opening if line == 1 else 0
        start = self._starts[line - 1]
        row = self.text[start : self._ends[line - 1]].encode("utf-8", "surrogatepass")
        return start + len(row[: max(byte, 0)].decode("utf-8", "ignore"))

    def place(self, index: int) -> int:
        """The position in the outermost expression of an index in this text."""
        return self._base + (min(index, len(self.text)) if self._exact else 0)

    def at(self, node: ast.expr) -> int:
        """The position of a node in the outermost expression."""
        return self.place(self.index(node.lineno, node.col_offset))

    def told(self, node: ast.expr) -> str:
        """The node as the source spells it, shortened for a message."""
        spelled = " ".join(self._spelled(node).split())
        return spelled if len(spelled) <= _SLICE_SHOWN else spelled[: _SLICE_SHOWN - 1] + "…"

    def after(self, node: ast.expr) -> int:
        """The position of what follows a node, usually an operator, in the outermost expression."""
        index = self.index(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        while index < len(self.text) and (self.text[index].isspace() or self.text[index] in ")\\"):
            index += 1
        return self.place(index)

    def name_at_end(self, node: ast.expr, name: str) -> str | None:
        """The name that ends the node as it is spelled, or None if Python folded look-alike letters into it.

        Python reads `ｉnputs` and `ﬁle` as inputs and file; the keys of JSON are not folded, so such names are refused.
        """
        spelled = self._spelled(node)[-len(name) :]
        return spelled if spelled == name or escaped(spelled) == name else None

    def is_exact_text(self, node: ast.expr, value: str) -> bool:
        """Whether a quoted text has no escapes or prefixes, so that its characters have places of their own."""
        return self._exact and self._spelled(node)[1:-1] == value

    def _spelled(self, node: ast.expr) -> str:
        end_line, end_byte = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self.text[self.index(node.lineno, node.col_offset) : self.index(end_line, end_byte)]


def escaped(word: str) -> str:
    """A word of Python's that may stand as a key, spelled so that Python's parser lets it pass."""
    return word[:1].swapcase() + word[1:] if keyword.iskeyword(word) else word


def is_plain_name(name: str) -> bool:
    """Whether Python reads the name as it stands."""
    return name.isidentifier() and not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name
