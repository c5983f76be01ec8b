"""Holes in a rendered manuscript: what a renderer prints in place of something missing, and what a page would have to fetch."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from analysis.errors import StudyError

#: What Quarto prints, with exit status 0, in place of something that it can't find.
LEFTOVER = re.compile(r"\?(?:meta|var|invalid meta type|invalid var type):[\w.]*|\?@[\w-]+|\{\{<[^>]*>\}\}")
#: Citations and the like that a renderer left as they were typed, where no reader but a pointer meets them.
IN_ATTRIBUTE = re.compile(r"""=\s*(?:"[^"]*?|'[^']*?)(\[@[^\]"']+\]|\{\{<[^"']*|\?@[\w-]+)""")
#: What a browser would fetch when it opens a page, or a link finds only beside it: anything but data in the page
#: itself, places in it, and links to the web, which are followed when somebody asks for it.
FETCHED = re.compile(
    r"""<(?!a\b)[a-z][^<>]*?\s(?:src|href|srcset|poster|data)\s*=\s*["']?(?!data:|#|["'])([^"'\s>]+)"""
    r"""|<a\b[^<>]*?\shref\s*=\s*["']?(?!#|https?:|mailto:|["'])([^"'\s>]+)"""
    r"""|url\(\s*["']?(?!data:|#|["')])([^"')]+)|@import\s+["']([^"']+)"""
)


def scan(path: Path) -> None:
    """Look for what a renderer prints in place of something missing, and for what a page would have to fetch.

    Raises
    ------
    StudyError
        Names the file and every leftover in it, or what it doesn't hold itself.
    """
    found = set(LEFTOVER.findall(plain_text(path)))
    if path.suffix in (".html", ".xml"):
        raw = re.sub(r"(?s)(<script\b[^>]*>).*?(</script>)", r"\1\2", path.read_text(encoding="utf-8"))
        found |= set(IN_ATTRIBUTE.findall(raw))
    if found:
        raise StudyError(
            f"{path} was rendered with holes: {', '.join(sorted(found))}. Add what is missing to values or source."
        )
    if path.suffix == ".html" and (fetched := sorted({next(filter(None, hit)) for hit in FETCHED.findall(raw)})):
        raise StudyError(f"{path} doesn't stand alone: it asks for {', '.join(fetched[:5])}. Embed it.")


def plain_text(path: Path) -> str:
    """Return the text of a rendered manuscript (HTML, DOCX, PDF or JATS), white space collapsed."""
    if path.suffix == ".docx":
        from zipfile import ZipFile

        with ZipFile(path) as archive:
            raw = archive.read("word/document.xml").decode("utf-8")
        raw = re.sub(r"</w:p>|<w:tab/>|<w:br/>", " ", raw)
    elif path.suffix == ".pdf":
        if not shutil.which("pdftotext"):
            return ""
        return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    else:
        raw = path.read_text(encoding="utf-8")
        raw = re.sub(r"(?s)<(script|style)\b.*?</\1>|<head\b.*?</head>", " ", raw)
    import html

    return " ".join(html.unescape(re.sub(r"<[^>]+>", " " if path.suffix != ".docx" else "", raw)).split())
