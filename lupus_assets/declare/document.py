"""A YAML file as plain data, with the line of every key and item."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from lupus_assets.declare.mistake import Mistake, Path

SYNTAX = "YAML"  # the key of a problem that is not below any key
COMPLEX = "?"  # stands for a key that is no scalar, as in YAML itself
LARGEST = 1_000_000  # most bytes of a file, some thousand times the size of a declaration
MOST = 100_000  # most values of a file with its aliases expanded
BITS = 64  # most bits of an integer, as in columns
MERGE, MERGED = "tag:yaml.org,2002:merge", "<<"
ENDS_OF_LINES = {"\n", "\r", "\t", "\x85"}  # control characters that are allowed in text


@dataclass
class Document:
    """The content of one file.

    Attributes
    ----------
    data : object
        Its plain data; None if the syntax is broken.
    lines : dict of Path to int
        Line of every key and list item, from 1.
    sources : dict of Path to str
        Source text of every scalar.
    mistakes : list of Mistake
        Mistakes in the YAML itself.
    """

    data: object = None
    lines: dict[Path, int] = field(default_factory=lambda: {(): 1})
    sources: dict[Path, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of its nearest parent in the file."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    @classmethod
    def parse(cls, text: str) -> "Document":
        """Return the document in `text`, with all mistakes in its YAML."""
        document = cls()
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            if node is not None:
                document.data = _Reader(loader, document).value(node, ())
        except yaml.YAMLError as error:
            document.refuse(*_syntax(error, text))
        except RecursionError:
            document.refuse("is nested too deeply", 1, "write it out, on fewer levels")
        except _TooMuch as error:
            document.refuse(
                "holds too many values once its aliases (*) are written out", error.line, "write out fewer"
            )
        return document

    def refuse(self, what: str, line: int, remedy: str) -> None:
        """Discard the data, and make this mistake the only one."""
        self.data = None
        self.lines[(SYNTAX,)] = line
        self.mistakes = [Mistake((SYNTAX,), what, remedy)]


def named_types(text: str) -> list[str | None]:
    """Return the ``type`` of each document of a file, without reading the rest; None without one.

    Raises
    ------
    yaml.YAMLError
        The syntax is broken.
    RecursionError
        The file is nested too deeply.
    """
    found: list[str | None] = []
    for node in yaml.compose_all(text, yaml.SafeLoader):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        kinds = [value.value for key, value in pairs if key.value == "type"]
        found.append(kinds[-1] if kinds and isinstance(kinds[-1], str) else None)
    return found


class _TooMuch(Exception):
    """The document has more than `MOST` values; raised before they are constructed."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


def _syntax(error: yaml.YAMLError, text: str) -> tuple[str, int, str]:
    """Return the mistake of a syntax error, its line, and a remedy."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"the character {chr(error.character)!r} may not be in YAML", line, "remove it"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or "cannot be read"
    remedy = "check indentation, quotes and brackets here and on the line above"
    if what == "but found another document":
        what, remedy = "there is a second document", "write one declaration per file"
    elif what.startswith("found character '\\t'"):
        remedy = "indent with spaces"
    elif what == "mapping values are not allowed here":
        remedy = "quote text that holds ': ', and check the indentation"
    return what, mark.line + 1 if mark else 1, remedy


def _odd(value: object) -> tuple[str, str] | None:
    """Return the mistake and the remedy for a value that no declaration can hold; None for other values."""
    match value:
        case bytes() | set() | dict() | list():
            return "is no text and no number", "write it without its tag (!!)"
        case int() if value.bit_length() > BITS:
            return f"is a number of more than {BITS} bits", "write a smaller one, or quote it"
        case str() if not value.isprintable():
            for each in value:
                if unicodedata.category(each) == "Cs" or (
                    unicodedata.category(each) == "Cc" and each not in ENDS_OF_LINES
                ):
                    return f"holds the character {each!r}, which no text may", "remove it"
    return None


def _name(key: yaml.Node) -> str:
    return str(key.value) if isinstance(key, yaml.ScalarNode) else COMPLEX


class _Reader:
    """Converts nodes to plain data, and notes lines, source texts and repeated keys."""

    def __init__(self, loader: yaml.SafeLoader, document: Document) -> None:
        self.loader = loader
        self.document = document
        self.open: list[yaml.Node] = []
        self.keys_checked: set[int] = set()
        self.values = 0

    def value(self, node: yaml.Node, path: Path) -> object:
        self.count(1, node)
        if any(node is parent for parent in self.open):
            self.note(path, "refers to itself", "write it out")
            return None
        self.open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return dict(self.pairs(node, path))
            if isinstance(node, yaml.SequenceNode):
                return [self.item(child, (*path, i)) for i, child in enumerate(node.value)]
            self.document.sources[path] = str(node.value)
            return self.scalar(node, path)
        finally:
            self.open.pop()

    def item(self, node: yaml.Node, path: Path) -> object:
        self.document.lines[path] = node.start_mark.line + 1
        return self.value(node, path)

    def pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, object]]:
        # Before merging: a key may replace a merged one, and merging changes the node.
        if id(node) not in self.keys_checked:
            self.keys_checked.add(id(node))
            self.doubled(node, path)
            self.merge(node)
        for key_node, child in node.value:
            where = (*path, _name(key_node))
            self.document.lines[where] = key_node.start_mark.line + 1
            key = self.scalar(key_node, where) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key_node, yaml.ScalarNode):
                self.note(where, "is a list or mapping in the place of a name", "write a name, or quote it")
            elif isinstance(key, str):
                yield key, self.value(child, where)
            else:  # `no`, `on` and numbers, among others
                self.note(where, f"is read as {key!r}, which is no name", f"quote it: '{key_node.value}'")

    def doubled(self, node: yaml.MappingNode, path: Path) -> None:
        first: dict[str, int] = {}
        for key_node, _ in node.value:
            name = _name(key_node)
            if name in first:
                self.note(
                    (*path, name), f"is here twice (first on line {first[name]})", "remove one of the two"
                )
            first.setdefault(name, key_node.start_mark.line + 1)

    def merge(self, node: yaml.MappingNode) -> None:
        """Put the pairs of `<<` in front of a mapping's own pairs."""
        brought: dict[int, yaml.MappingNode] = {}  # by identity: an alias is the same node again
        own = []
        for key_node, value in node.value:
            if key_node.tag != MERGE:
                own.append((key_node, value))
                continue
            several = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for each in several:
                if not isinstance(each, yaml.MappingNode):
                    line = each.start_mark.line + 1
                    self.note((MERGED,), f"brings along no mapping (line {line})", "name a mapping behind <<")
                elif each is not node:
                    brought.setdefault(id(each), each)
        node.value = own
        for each in brought.values():
            self.merge(each)
        before = [pair for each in reversed(brought.values()) for pair in each.value]
        self.count(len(before), node)
        node.value = before + own

    def count(self, values: int, node: yaml.Node) -> None:
        self.values += values
        if self.values > MOST:
            raise _TooMuch(node.start_mark.line + 1)

    def scalar(self, node: yaml.Node, path: Path) -> object:
        try:
            value = self.loader.construct_object(node)
        except yaml.YAMLError:
            raise
        except ValueError:  # 2013-02-30 looks like a date and is none: the validator of the field refuses it
            value = node.value
        except Exception:  # a tag such as !!bool on other text can raise any error
            self.note(path, f"is no {node.tag.rpartition(':')[2]}", "write it without its tag (!!)")
            value = None
        odd = _odd(value)
        if odd is not None:
            self.note(path, *odd)
            return None
        return value

    def note(self, path: Path, what: str, remedy: str) -> None:
        self.document.mistakes.append(Mistake(path, what, remedy))
