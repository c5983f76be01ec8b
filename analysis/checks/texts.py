"""The words in a file of results, whatever its format."""

from __future__ import annotations

import base64
import gzip
import html
import json
import mimetypes
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote


class Piece(NamedTuple):
    """Some text of a file.

    Attributes
    ----------
    where : str
        The place in the file.
    text : str
    code : bool
        Whether a program wrote it for programs: tags, scripts, styles, fonts, numbers of JSON. In these any short name
        and any number occurs by chance.
    """

    where: str
    text: str
    code: bool = False


_MARKUP = {".html", ".htm", ".xml", ".svg", ".rels", ".opf", ".xhtml", ".jats"}
_JSON = {".json", ".jsonld", ".geojson"}
_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".webp"}
_ZIPS = {".zip", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".epub", ".npz", ".eln", ".pth", ".pt"}
#: What torch writes, and in it the tensors; words stand beside them in data.pkl. In the bytes of millions of numbers any
#: short name occurs by chance.
_TORCH, _TENSOR = {".pth", ".pt"}, re.compile(r"[^/]+/data/[0-9]+")
_PRINTABLE = re.compile(rb"[\x20-\x7e\x80-\xff]{4,}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
#: A file inside an address, as figures and web pages hold pictures: one line or several long ones, up to a quote.
_EMBEDDED = re.compile(
    r"data:([\w.+-]+/[\w.+-]+)[^,\s\"'<>]*;base64,\s?((?:[A-Za-z0-9+/]{60,}\s)*[A-Za-z0-9+/]*={0,2})(?=\s?[\"')])"
)
_PROGRAMS = {".js", ".mjs", ".css"}
_PROGRAM_TYPES = dict.fromkeys(("text/javascript", "application/javascript", "application/x-javascript"), ".js")
_FONTS = (b"wOFF", b"wOF2", b"OTTO", b"\0\1\0\0")
_PROGRAM = re.compile(r"<(script|style)\b[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_COMMENT = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>")
_TAG = re.compile(r"""</?[A-Za-z?!](?:[^<>"']|"[^"]*"|'[^']*')*>""")
#: Tags between two of which there is no word; all others, as those about a run of letters, may stand within one.
_BLOCK = re.compile(
    r"[</]+(?:[\w.-]+:)?(?:p|div|t[dhrc]|li|h\d|br|tab|table|caption|title|desc|text|label|option|entry|section|def|term"
    r"|d[dt]|mixed-citation|pub-id|year|volume|fpage|lpage|[\w-]*name|keywords|description|creator|kwd|email)\b",
    re.IGNORECASE,
)
#: Attributes that hold words for people, or the address of something.
_READ = re.compile(
    r"""\b(?:alt|title|descr|content|label|aria-label|href|src|cite|download|placeholder|summary)\s*=\s*"""
    r"""(?:"([^"]*)"|'([^']*)')""",
    re.IGNORECASE,
)
#: Accents and brackets about letters in a bibliography; the search takes no notice of accents.
_TEX = re.compile(r"\\[^a-zA-Z\s]|[{}]")
#: What the package or a renderer writes of the files themselves: sizes in a crate, and when something was made. Any six
#: digits are somebody's birth date, and some day that a file bears is as well.
_OF_FILES = {"contentSize", "made", "endTime", "datePublished", "dateModified"}
_MADE = re.compile(r"(<dcterms:(?:created|modified)\b[^>]*>)[^<]*")
_DEPTH = 3
_LARGEST = 512_000_000


def pieces(path: Path) -> Iterator[Piece]:
    """Yield all text in a file.

    Tables column by column with numbers as text, archives member by member, PDFs page by page,
    pictures their embedded text, everything else as text or as the printable runs in its bytes.

    Parameters
    ----------
    path : Path

    Yields
    ------
    Piece
    """
    yield Piece("its name", path.name)
    if path.suffix.lower() == ".parquet":
        yield from _parquet(path)
    elif path.suffix.lower() != ".npy":  # arrays of numbers; their names are searched
        yield from _from_bytes(path.name, path.read_bytes(), "", 0)


def _from_bytes(name: str, data: bytes, where: str, depth: int) -> Iterator[Piece]:
    suffix = Path(name).suffix.lower()
    if suffix in _ZIPS and zipfile.is_zipfile(BytesIO(data)) and depth < _DEPTH:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for member in archive.infolist():
                yield Piece(f"{where}{member.filename}", member.filename)
                if member.file_size <= _LARGEST and not _is_array(member.filename, suffix):
                    inside = archive.read(member)
                    yield from _from_bytes(member.filename, inside, f"{where}{member.filename}: ", depth + 1)
    elif suffix == ".gz" and depth < _DEPTH:
        with gzip.open(BytesIO(data)) as file:
            yield from _from_bytes(Path(name).stem, file.read(_LARGEST), where, depth + 1)
    elif suffix == ".pdf":
        yield from _pdf(data, where)
    elif suffix in _PICTURES:
        yield from _picture(data, where)
    elif suffix == ".safetensors":
        length = int.from_bytes(data[:8], "little")
        yield from _plain(".json", data[8 : 8 + length], f"{where}header: ")
    else:
        yield from _plain(suffix, data, where, depth)


def _is_array(member: str, suffix: str) -> bool:
    """Whether what lies in a zip is an array of numbers."""
    return member.endswith(".npy") or (suffix in _TORCH and _TENSOR.fullmatch(member) is not None)


def _plain(suffix: str, data: bytes, where: str, depth: int = 0) -> Iterator[Piece]:
    inside, where = where, where.removesuffix(": ") or "its text"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield Piece(where, data.decode("utf-16", "replace"))
        return
    if b"\0" in data[:8192]:
        for run in _PRINTABLE.findall(data):
            yield Piece(where, run.decode("utf-8", "ignore"), data.startswith(_FONTS))
            yield Piece(where, run.decode("latin-1"), data.startswith(_FONTS))
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if suffix in _PROGRAMS:
        yield Piece(where, text, code=True)
        return
    # Embedded files are read as what they are: in the letters that stand for their bytes any short name occurs by
    # chance, and a long one can't be seen. Each is smaller than what it lies in, so that there is an end to it.
    for number, found in enumerate(list(_EMBEDDED.finditer(text)), 1):
        try:
            file = base64.b64decode("".join(found[2].split()) + "==")
        except ValueError:  # no file: its letters stay in the text
            continue
        name = f"embedded file {number}"
        yield from _from_bytes(
            f"{name}{_PROGRAM_TYPES.get(found[1]) or mimetypes.guess_extension(found[1]) or ''}",
            file,
            f"{inside}{name}: ",
            depth,
        )
        text = text.replace(found[0], " ")
    if suffix in _MARKUP:
        read = _markup(text, where)
    elif suffix in _JSON:
        read = _json(text, where)
    else:
        read = iter([Piece(where, _TEX.sub("", text) if suffix == ".bib" else text)])
    for piece in read:
        yield piece
        # The same words in the escapes of JSON and addresses.
        if "\\u" in piece.text:
            yield piece._replace(text=_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), piece.text))
        if "%" in piece.text:
            yield piece._replace(text=unquote(piece.text))


def _markup(text: str, where: str) -> Iterator[Piece]:
    """Yield what people read of a page, and by itself what programs do."""
    programs = _PROGRAM.findall(text)
    text = _COMMENT.sub("\n", _MADE.sub(r"\1", _PROGRAM.sub("\n", text)))
    tags = _TAG.findall(text)
    told = (value for tag in tags for pair in _READ.findall(tag) for value in pair if value)
    # Tags within a word go, as DOCX breaks words apart; between others there is a new line, so that no two numbers of
    # neighbouring cells become one.
    read = _TAG.sub(lambda tag: "\n" if _BLOCK.match(tag[0]) else "", text)
    yield Piece(where, html.unescape("\n".join([read, *told])))
    yield Piece(where, html.unescape("\n".join([*tags, *(program for _, program in programs)])), code=True)


def _json(text: str, where: str) -> Iterator[Piece]:
    """Yield keys and texts of JSON, and by themselves its numbers."""
    words: list[str] = []
    numbers: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                words.append(key)
                if key not in _OF_FILES:
                    walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        else:
            (words if isinstance(value, str) else numbers).append(str(value))

    try:
        walk(json.loads(text))
    except (ValueError, RecursionError):
        yield Piece(where, text)
        return
    yield Piece(where, "\n".join(words))
    yield Piece(where, "\n".join(numbers), code=True)


def _parquet(path: Path) -> Iterator[Piece]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for key, value in (file.schema_arrow.metadata or {}).items():
            yield from _plain(".json", value, f"metadata {key.decode('utf-8', 'replace')}: ")
        for name in file.schema_arrow.names:
            values = file.read([name]).column(0).to_pandas().dropna().astype(str).unique()
            yield Piece(f"column {name}", "\n".join([name, *values]))


def _pdf(data: bytes, where: str) -> Iterator[Piece]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(BytesIO(data))
        told = "\n".join(f"{key} {value}" for key, value in (reader.metadata or {}).items())
        yield Piece(f"{where}document information", told)
        for number, page in enumerate(reader.pages, 1):
            yield Piece(f"{where}page {number}", page.extract_text())
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError):
        yield from _plain("", data, where)


def _picture(data: bytes, where: str) -> Iterator[Piece]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as image:
            found: dict[Any, Any] = {**image.info, **dict(image.getexif())}
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        yield from _plain("", b"\0" + data, where)
        return
    for key, value in found.items():
        words = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        yield Piece(f"{where}embedded {key}", words)
