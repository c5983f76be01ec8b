"""One render into all formats: the same numbers, tables, references and citations in each."""

import re
import shutil
import subprocess
from collections import Counter
from html import unescape
from xml.etree import ElementTree
from zipfile import ZipFile

import pandas as pd
import pytest

from analysis.manuscript.render import LEFTOVER, plain_text, render
from analysis.report.settings import ReportSettings

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
needs_pdftotext = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="pdftotext reads the PDF; it comes with poppler-utils"
)
FORMATS = ("html", "docx", "xml", pytest.param("pdf", marks=needs_pdftotext))


def joined(text: str) -> str:
    """Return text with its spaces alike, and words that were parted at the end of a line put together."""
    text = text.replace("\u00ad\n", "").replace("\u00ad", "").replace("\u00a0", " ")
    return " ".join(text.replace("’", "'").replace("“", '"').replace("”", '"').split())


def text_of(path) -> str:
    if path.suffix != ".pdf":
        return joined(plain_text(path))
    raw = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    # The last line of a page is its number.
    return joined("\n".join(re.sub(r"\n\s*\d+\s*$", "\n", page) for page in raw.split("\f")))


def before_references(text: str) -> str:
    """Leave out the list of references, whose addresses are broken at the ends of lines."""
    end = text.index("Hunter DJ, Bierma-Zeinstra")
    return text[:end]


def cells(path) -> list[list[list[str]]]:
    """Return all tables of a manuscript: rows of cells."""
    if path.suffix == ".docx":
        with ZipFile(path) as archive:
            root = ElementTree.fromstring(archive.read("word/document.xml"))
        return [
            [
                [joined("".join(text.text or "" for text in cell.iter(f"{WORD}t"))) for cell in row.iter(f"{WORD}tc")]
                for row in table.iter(f"{WORD}tr")
            ]
            for table in root.iter(f"{WORD}tbl")
        ]
    tables = re.findall(r"<table\b.*?</table>", path.read_text(encoding="utf-8"), re.DOTALL)
    return [
        [
            [joined(unescape(re.sub(r"<[^>]+>", "", cell))) for cell in re.findall(r"<t[dh]\b[^>]*?(?:/>|>(.*?)</t[dh]>)", row, re.DOTALL)]
            for row in re.findall(r"<tr\b.*?</tr>", table, re.DOTALL)
        ]
        for table in tables
    ]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_has_a_key_or_a_condition_left(rendered, name):
    text = text_of(rendered[name])
    assert len(text) > 20_000
    assert LEFTOVER.findall(text) == []
    for trace in ("content-visible", "when-meta", "{{<", ":::", "?@", r"\bnan\b", r"\bNone\b(?! declared)"):
        assert not re.search(trace if "\\" in trace else re.escape(trace), text), trace


@pytest.mark.parametrize("name", ("docx", "xml"))
def test_tables_have_the_same_cells_in_every_format(rendered, name):
    web = cells(rendered["html"])
    assert len(web) >= 15
    assert cells(rendered[name]) == web


def test_a_table_holds_what_its_file_holds(kl, rendered):
    file = pd.read_csv(kl.folder / "tables/performance.csv", dtype=str, keep_default_na=False)
    (table,) = [table for table in cells(rendered["html"]) if table[0][1:] == list(file)[1:] and "0 to 1" in str(table)]
    rows = [row[1:] for row in table[1:] if any(row[1:])]
    assert rows == file.iloc[:, 1:].to_numpy().tolist()


@pytest.mark.parametrize("name", ("docx", "xml", pytest.param("pdf", marks=needs_pdftotext)))
def test_words_and_numbers_are_the_same_in_every_format(rendered, tmp_path, name):
    """Each number and word of the text, as often as in the HTML; figures and tables may stand elsewhere in the PDF."""
    # Headings are numbered in HTML and PDF; the other formats leave that to whoever typesets them.
    page = tmp_path / "page.html"
    page.write_text(re.sub(r'<span class="header-section-number">.*?</span>', "", rendered["html"].read_text()))
    web, other = (before_references(text_of(path)) for path in (page, rendered[name]))
    web = web[web.index("This is a study of simulated data") :]  # without the list of contents
    # A line of the PDF may end at the hyphen of a compound.
    web, other = (re.sub(r"(?<=[A-Za-z])-\s?(?=[A-Za-z])", "", text) for text in (web, other))
    found, wanted = (Counter(re.findall(r"\d+(?:[.,]\d+)*|[A-Za-z]{4,}", text)) for text in (other, web))
    assert wanted.total() > 2_000
    assert dict(wanted - found) == {}


@pytest.mark.parametrize("name", FORMATS)
def test_figures_and_tables_are_numbered_in_order(rendered, name):
    text = text_of(rendered[name])
    for kind in ("Figure", "Table"):
        captions = [int(number) for number in re.findall(rf"\b{kind} (\d+): ", text)]
        ordered = sorted(captions) if name == "pdf" else captions  # figures float in the PDF
        assert ordered == list(range(1, len(captions) + 1)), kind
        referred = {int(number) for number in re.findall(rf"\b{kind} (\d+)\b(?!:)", text)}
        assert referred and referred <= set(captions)


def test_every_link_of_the_page_has_a_target(rendered):
    page = rendered["html"].read_text()
    targets = set(re.findall(r'\bid="([^"]+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert len(links) > 60
    assert links <= targets


def test_the_page_needs_nothing_beside_it(rendered):
    page = rendered["html"].read_text()
    assert re.findall(r'\bsrc="(?!data:)[^"]*"', page) == []
    assert re.findall(r"url\((?!data:|#)[^)]*\)|<link[^>]+stylesheet[^>]+http", page) == []
    images = re.findall(r"<img\b[^>]*>", page)
    assert len(images) >= 6
    assert all(len(re.search(r'alt="([^"]*)"', image)[1]) > 30 for image in images)


def test_citations_are_numbered_as_they_come_and_alike(rendered):
    lists = {}
    for name in ("html", "docx", "xml"):
        text = text_of(rendered[name])
        cited = []
        for group in re.findall(r"\[\s*(\d+(?:\s*[,–]\s*\d+)*)\s*\]", before_references(text)):
            for part in group.split(","):
                first, _, last = part.partition("–")
                cited += range(int(first), int(last or first) + 1)
        lists[name] = set(cited)
        if name == "html":
            assert list(dict.fromkeys(cited)) == sorted(set(cited))
    assert lists["html"] == set(range(1, max(lists["html"]) + 1))
    assert lists["docx"] == lists["xml"] == lists["html"]


def test_the_documents_are_well_formed_and_describe_their_images(rendered):
    root = ElementTree.parse(rendered["xml"]).getroot()
    assert root.find(".//front//abstract") is not None
    assert root.find(".//front//article-title") is not None
    with ZipFile(rendered["docx"]) as archive:
        assert archive.testzip() is None
        document = archive.read("word/document.xml").decode()
    drawings = re.findall(r"<wp:docPr\b[^>]*>", document)
    assert len(drawings) >= 6
    assert all(len(re.search(r'descr="([^"]*)"', drawing)[1]) > 30 for drawing in drawings)


@needs_pdftotext
def test_nothing_is_printed_off_the_page_or_on_something_else(rendered):
    """Words lie within their page, and no two in one place: a table too long or too wide would break this."""
    boxes = subprocess.run(["pdftotext", "-bbox", rendered["pdf"], "-"], capture_output=True, text=True, check=True)
    pages = re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', boxes.stdout, re.DOTALL)
    assert len(pages) > 8
    for number, (width, height, content) in enumerate(pages, 1):
        words = [
            (*(float(edge) for edge in word[:4]), word[4])
            for word in re.findall(
                r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*?)</word>', content
            )
        ]
        for left, top, right, bottom, word in words:
            assert left > 30 and right < float(width) - 30, (number, word)
            assert top > 30 and bottom < float(height) - 20, (number, word)
        words.sort(key=lambda word: word[1])
        for index, (left, top, right, bottom, word) in enumerate(words):
            for other in words[index + 1 :]:
                if other[1] > bottom:
                    break
                across = min(right, other[2]) - max(left, other[0])
                down = min(bottom, other[3]) - max(top, other[1])
                assert across < 2 or down < 0.6 * (bottom - top), (number, word, other[4])


@pytest.mark.skipif(not shutil.which("quarto"), reason="Quarto isn't installed, so there is no second text to compare")
@pytest.mark.parametrize("name", ("html", "docx"))
def test_quarto_tells_the_same(kl, rendered, tmp_path, name):
    kl.stage(tmp_path / "manuscript")
    (path,) = render(tmp_path / "manuscript", ReportSettings(formats=(name,)), "quarto")
    ours, theirs = (
        Counter(re.findall(r"\d+\.\d+|[A-Za-z]{4,}", before_references(text_of(file))))
        for file in (rendered[name], path)
    )
    missing = {token: count for token, count in (ours - theirs).items() if "." in token or count > 3}
    assert missing == {}
    assert len(cells(path)) == len(cells(rendered[name]))
