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
from typing import Any
from urllib.parse import unquote

Piece = tuple[str, str]

_MARKUP = {".html", ".htm", ".xml", ".svg", ".rels", ".opf", ".xhtml", ".jats", ".jsonld"}
_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".webp"}
_ZIPS = {".zip", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".epub", ".npz", ".eln", ".pth", ".pt"}
_PRINTABLE = re.compile(rb"[\x20-\x7e\x80-\xff]{4,}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
#: A file inside an address, as figures and web pages hold pictures: one line or several long ones, up to a quote.
_EMBEDDED = re.compile(
    r"data:([\w.+-]+/[\w.+-]+)[^,\s\"'<>]*;base64,\s?((?:[A-Za-z0-9+/]{60,}\s)*[A-Za-z0-9+/]*={0,2})(?=\s?[\"')])"
)
#: Programs, styles and fonts that a renderer puts into a page; where a piece of them lies ends with CODE.
CODE = " (code)"
_PROGRAMS = {".js", ".mjs", ".css"}
_PROGRAM_TYPES = dict.fromkeys(("text/javascript", "application/javascript", "application/x-javascript"), ".js")
_FONTS = (b"wOFF", b"wOF2", b"OTTO", b"\0\1\0\0")
_PROGRAM = re.compile(r"<(script|style)\b[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
#: Sizes of files, which a crate writes by the dozen: any six digits are somebody's birth date.
_SIZE = re.compile(r'"contentSize":\s*"?\d+"?')
_DEPTH = 3
_LARGEST = 512_000_000


def pieces(path: Path) -> Iterator[Piece]:
    """Yield all text in a file: (where in the file, text).

    Tables column by column with numbers as text, archives member by member, PDFs page by page,
    pictures their embedded text, everything else as text or as the printable runs in its bytes.

    Parameters
    ----------
    path : Path

    Yields
    ------
    tuple of str
    """
    yield "its name", path.name
    if path.suffix.lower() == ".parquet":
        yield from _parquet(path)
    elif path.suffix.lower() != ".npy":  # arrays of numbers; their names are searched
        yield from _from_bytes(path.name, path.read_bytes(), "", 0)


def _from_bytes(name: str, data: bytes, where: str, depth: int) -> Iterator[Piece]:
    suffix = Path(name).suffix.lower()
    if suffix in _ZIPS and zipfile.is_zipfile(BytesIO(data)) and depth < _DEPTH:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for member in archive.infolist():
                yield f"{where}{member.filename}", member.filename
                if member.file_size <= _LARGEST and not member.filename.endswith(".npy"):
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
        yield f"{where}header", data[8 : 8 + length].decode("utf-8", "replace")
    else:
        yield from _plain(suffix, data, where, depth)


def _plain(suffix: str, data: bytes, where: str, depth: int = 0) -> Iterator[Piece]:
    inside, where = where, where.removesuffix(": ") or "its text"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield where, data.decode("utf-16", "replace")
        return
    if b"\0" in data[:8192]:
        where += CODE * data.startswith(_FONTS)
        for run in _PRINTABLE.findall(data):
            yield where, run.decode("utf-8", "ignore")
            yield where, run.decode("latin-1")
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = _SIZE.sub("", text)
    if suffix in _PROGRAMS:
        yield where + CODE, text
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
    if suffix in {".html", ".htm"}:
        for found in _PROGRAM.finditer(text):
            yield where + CODE, found[2]
        text = _PROGRAM.sub(" ", text)
    yield where, text
    # The same words in the escapes of markup, JSON and addresses.
    if suffix in _MARKUP and "&" in text:
        yield where, html.unescape(text)
    if "\\u" in text:
        yield where, _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    if "%" in text:
        yield where, unquote(text)
    if suffix in _MARKUP:  # words that tags break apart, as DOCX does
        yield where, re.sub(r"<[^>]*>", "", html.unescape(text))


def _parquet(path: Path) -> Iterator[Piece]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield "metadata", " ".join(f"{key!r} {value!r}" for key, value in (file.schema_arrow.metadata or {}).items())
        for name in file.schema_arrow.names:
            values = file.read([name]).column(0).to_pandas().dropna().astype(str).unique()
            yield f"column {name}", "\n".join([name, *values])


def _pdf(data: bytes, where: str) -> Iterator[Piece]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(BytesIO(data))
        yield f"{where}document information", json.dumps({k: str(v) for k, v in (reader.metadata or {}).items()})
        for number, page in enumerate(reader.pages, 1):
            yield f"{where}page {number}", page.extract_text()
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
        yield f"{where}embedded {key}", words
