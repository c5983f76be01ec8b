"""One render into all formats: the same numbers, tables, references and citations in each."""

import re
import shutil
import subprocess
from collections import Counter
from html import unescape
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import typst
import yaml
from PIL import Image

from analysis.errors import StudyError
from analysis.manuscript import render as manuscript
from analysis.manuscript.holes import LEFTOVER, plain_text, scan
from analysis.manuscript.render import find_quarto, render
from analysis.manuscript.stage import TEXT
from analysis.presentation.markdown import Table, to_markdown
from analysis.presentation.settings import ManuscriptSettings
from analysis.yaml_files import load_yaml
from tests.reading.browser import audit, chromium, open_browser

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
            # Quarto puts each table and each figure into a table of one cell.
            if table.find(f".//{WORD}tbl") is None and table.find(f".//{WORD}drawing") is None
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


def test_a_heading_over_rows_has_the_width_of_the_table(rendered):
    """A heading over rows stays in one line, and makes no column wider than its own cells ask for."""
    page = rendered["html"].read_text()
    table = next(table for table in page.split("<table")[1:] if "Published AUC" in table).split("</table>")[0]
    spanned = re.findall(r'<td colspan="(\d+)"[^>]*><strong>([^<]*)</strong></td>\s*</tr>', table)
    columns = table.count("<th ")
    assert [(columns, "Kellgren-Lawrence grade"), (columns, "Disease")] == [
        (int(span), re.sub(r"\s+", " ", name)) for span, name in spanned if "merged" not in name
    ]


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


#: Tables, or the boxes that they scroll in, which reach farther than they are shown, with how far in pixels.
CUT = """() => [...document.querySelectorAll('table')].map(table => {
    const far = [table.getBoundingClientRect().right - document.documentElement.clientWidth];
    for (let box = table.parentElement; box; box = box.parentElement) far.push(box.scrollWidth - box.clientWidth);
    return [(table.caption ?? table.closest('figure')).innerText.slice(0, 60), Math.round(Math.max(...far))];
}).filter(([caption, far]) => far > 1)"""


@pytest.mark.skipif(not chromium(), reason="Chromium isn't installed; the tables' width is measured in it")
@pytest.mark.parametrize("renderer", ("pandoc", "quarto"))
def test_no_table_of_the_page_is_cut(rendered, request, tmp_path, renderer):
    page = (rendered if renderer == "pandoc" else request.getfixturevalue("by_quarto"))["html"]
    wide = tmp_path / "wide.html"
    wide.write_text(page.read_text().replace("</td>", f"{'_' * 300}</td>", 1))
    with open_browser() as browser:
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(wide.as_uri())
        assert len(tab.evaluate(CUT)) == 1
        tab.goto(page.as_uri())
        for width in (1280, 1440, 1920):
            tab.set_viewport_size({"width": width, "height": 900})
            assert tab.evaluate(CUT) == [], width
        tab.emulate_media(media="print")
        tab.set_viewport_size({"width": 718, "height": 900})  # what A4 leaves, 190 mm
        assert tab.evaluate(CUT) == []


@pytest.mark.skipif(not chromium(), reason="Chromium isn't installed; the page is audited in it")
@pytest.mark.parametrize("renderer", ("pandoc", "quarto"))
def test_the_page_is_read_by_keyboard_and_by_ear(rendered, request, renderer):
    """Tables that scroll can be reached, heads say that they head a column, and links aren't told by colour alone."""
    page = (rendered if renderer == "pandoc" else request.getfixturevalue("by_quarto"))["html"]
    with open_browser() as browser:
        for width in (1280, 390):
            tab = browser.new_page(viewport={"width": width, "height": 900})
            tab.goto(page.as_uri())
            assert audit(tab) == [], width
        assert tab.evaluate("[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)")
        stops = tab.locator(".scroll[tabindex]")
        assert stops.count() == tab.locator("table").count() > 10
        names = stops.evaluate_all("boxes => boxes.map(box => [box.role, box.ariaLabel])")
        assert all(name == ["group", "Table"] for name in names)  # each stop of the tabulator says what it is
    assert (
        len(re.findall(r"<th\b", page.read_text())) == len(re.findall(r'<th\b[^>]* scope="col"', page.read_text())) > 50
    )


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
    described = ["".join(graphic.findtext("alt-text", "").split()) for graphic in root.iter("graphic")]
    assert len(described) >= 6 and min(map(len, described)) > 30
    with ZipFile(rendered["docx"]) as archive:
        assert archive.testzip() is None
        document = archive.read("word/document.xml").decode()
    drawings = re.findall(r"<wp:docPr\b[^>]*>", document)
    assert len(drawings) >= 6
    assert all(len(re.search(r'descr="([^"]*)"', drawing)[1]) > 30 for drawing in drawings)


def test_pages_of_the_document_are_numbered(rendered):
    with ZipFile(rendered["docx"]) as archive:
        assert "footer1.xml" in archive.read("word/_rels/document.xml.rels").decode()
        assert "/word/footer1.xml" in archive.read("[Content_Types].xml").decode()
        assert 'w:instr="PAGE"' in archive.read("word/footer1.xml").decode()
        (section,) = re.findall(r"<w:sectPr.*?</w:sectPr>", archive.read("word/document.xml").decode(), re.DOTALL)
        (named,) = re.findall(r'<w:footerReference[^>]* r:id="(\w+)"', section)
        assert re.search(f'Id="{named}" Target="footer1.xml"', archive.read("word/_rels/document.xml.rels").decode())


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


@pytest.fixture(scope="module")
def by_quarto(kl, tmp_path_factory):
    """The same manuscript by Quarto."""
    if not find_quarto():
        pytest.skip("Quarto isn't installed, so there is no second text to compare")
    folder = tmp_path_factory.mktemp("quarto") / "manuscript"
    kl.stage(folder)
    paths = render(folder, ManuscriptSettings(), "quarto")
    return {path.suffix[1:]: path for path in paths}


@pytest.mark.parametrize("name", FORMATS)
def test_quarto_tells_the_same(rendered, by_quarto, name):
    ours, theirs = (
        Counter(re.findall(r"\d+\.\d+|[A-Za-z]{4,}", before_references(text_of(file[name]))))
        for file in (rendered, by_quarto)
    )
    missing = {token: count for token, count in (ours - theirs).items() if "." in token or count > 3}
    assert missing == {}
    if name != "pdf":
        assert cells(by_quarto[name]) == cells(rendered[name])


def test_quartos_page_and_document_stand_alone_and_describe_their_images(by_quarto):
    test_the_page_needs_nothing_beside_it(by_quarto)
    test_every_link_of_the_page_has_a_target(by_quarto)
    test_the_documents_are_well_formed_and_describe_their_images(by_quarto)
    if shutil.which("pdftotext"):
        test_nothing_is_printed_off_the_page_or_on_something_else(by_quarto)


@needs_pdftotext
@pytest.mark.parametrize("renderer", ("pandoc", "quarto"))
def test_tables_and_figures_leave_no_gaps_in_the_text(rendered, request, tmp_path, renderer):
    """They go to the top or the bottom of a page, and text flows past them; those of the supplement follow its heading."""
    path = (rendered if renderer == "pandoc" else request.getfixturevalue("by_quarto"))["pdf"]
    raw = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    starts = [number for number, page in enumerate(raw.split("\f")) if re.match(r"\s*\d+\s+Supplement\n", page)]
    assert len(starts) == 1, "the supplement's heading doesn't begin a page"
    subprocess.run(["pdftoppm", "-gray", "-r", "25.4", path, tmp_path / "page"], check=True, capture_output=True)
    gaps = []  # in millimetres: a pixel is one
    pictures = sorted(tmp_path.glob("page-*.pgm"))
    for picture in pictures[: starts[0] - 1] + pictures[starts[0] : -1]:
        with Image.open(picture) as page:
            printed = (np.asarray(page)[22:273] < 160).any(axis=1)
        rows = np.flatnonzero(np.concatenate([[True], printed, [True]]))
        gaps.append(int(np.diff(rows).max()) - 1)
    assert len(gaps) > 6
    # The figures of the results stand before the discussion or on its first page; the page before that one may end early.
    pages = raw.split("\f")[: starts[0]]
    (discussion,) = (i for i, page in enumerate(pages) if re.search(r"^\d+\s+Discussion$", page, re.MULTILINE))
    captions = [re.findall(r"^Figure\s\d+:", page, re.MULTILINE) for page in pages]
    assert sum(map(len, captions[: discussion + 1])) > 4 and not any(captions[discussion + 1 :]), captions
    assert gaps.pop(discussion - 1) < 84, gaps
    assert max(gaps) < 40, gaps


@needs_pdftotext
def test_an_interval_stays_in_one_line_of_the_widest_table(kl, tmp_path):
    kl.stage(tmp_path)
    head = [
        "", "Exams", "Prevalence, %", "Slope (95% CI)", "Slope before calibration", "Intercept (95% CI)",
        "Brier score (95% CI)", "Intercept, test set as it is (95% CI)",
    ]  # fmt: skip
    rows = [
        ["Location"],
        [
            "Patellofemoral osteoarthritis †", "300", "3.5", "1.50 (0.72 to 2.29)", "1.87", "−2.43 (−2.79 to −2.07)",
            "0.085 (0.071 to 0.098)", "−1.17 (−1.53 to −0.81)",
        ],
        [
            "Osteonecrosis", "300", "1.2", "−0.23 (−0.56 to 0.09)", "−0.29", "−0.07 (−0.70 to 0.56)",
            "0.012 (0.006 to 0.019)", "1.19 (0.56 to 1.82)",
        ],
    ]  # fmt: skip
    table = to_markdown(Table(head, rows))
    (tmp_path / TEXT).write_text(f"---\ntitle: A\n---\n\n::: {{#tbl-a}}\n\n{table}\nCaption.\n:::\n", encoding="utf-8")
    [path] = render(tmp_path, ManuscriptSettings(formats=("pdf",)), "pandoc")
    raw = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    assert [cell for row in rows for cell in row[1:] if cell not in raw] == []
    assert "osteoarthritis †" in raw.replace("\u00a0", " ")


def alone(text, folder) -> bool:
    """Return whether the references' heading ends a page, somewhere in the lower part of one."""
    head, references = (
        "#heading(level: 1, numbering: none)[",
        r"(?s)(?:#block\[\s*)?#heading[^\[]*\[References\].* <refs>",
    )
    for height in range(560, 700, 7):
        filled = f"{text[: text.index(head)]}#block(height: {height}pt)[Before.]\n\n{re.search(references, text)[0]}"
        (folder / "page.typ").write_text(filled, encoding="utf-8")
        typst.compile(str(folder / "page.typ"), output=str(folder / "page.pdf"))
        pages = subprocess.run(
            ["pdftotext", folder / "page.pdf", "-"], capture_output=True, text=True, check=True
        ).stdout
        if re.search(r"References\s*\d*\s*\f", pages):
            return True
    return False


@needs_pdftotext
@pytest.mark.parametrize("renderer", ("pandoc", "quarto"))
def test_the_references_stand_below_their_heading(kl, tmp_path, monkeypatch, renderer):
    if renderer == "quarto" and not find_quarto():
        pytest.skip("Quarto isn't installed")
    texts = []
    compile_ = manuscript._compile
    monkeypatch.setattr(manuscript, "_compile", lambda text, pdf: (texts.append(text.read_text()), compile_(text, pdf)))
    kl.stage(tmp_path / "manuscript")
    render(tmp_path / "manuscript", ManuscriptSettings(formats=("pdf",)), renderer)
    assert not alone(texts[0], tmp_path)
    heading = "#heading(level: 1, numbering: none)[References] <references>"
    assert alone(texts[0].replace(heading, f"#block[\n{heading}\n]"), tmp_path)  # as Quarto would write it


def test_quarto_leaves_nothing_but_the_manuscript(by_quarto):
    folder = by_quarto["html"].parent
    assert not [path.name for path in folder.iterdir() if path.name.startswith((".", "_m", "manuscript_"))]
    assert [path.name for path in sorted(folder.glob("manuscript*"))] == ["manuscript.qmd"]


@pytest.mark.parametrize("renderer", ("pandoc", "quarto"))
def test_the_same_source_gives_the_same_bytes(kl, rendered, request, tmp_path, monkeypatch, renderer):
    """Also in a folder of any name, and in the locale of many clusters, where pandoc by itself reads ASCII alone."""
    first = rendered if renderer == "pandoc" else request.getfixturevalue("by_quarto")
    folder = tmp_path / "knäets (2) 'studie'" / "manuscript"
    kl.stage(folder)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(manuscript, "HERE", shutil.copytree(manuscript.HERE, tmp_path / "kód"))
    again = {path.suffix[1:]: path for path in render(folder, ManuscriptSettings(), renderer)}
    assert [name for name, path in again.items() if path.read_bytes() != first[name].read_bytes()] == []


def test_quarto_alone_keeps_what_was_published(kl, rendered, tmp_path):
    """A reader's `quarto render` lies beside what the study made."""
    if not (command := find_quarto()):
        pytest.skip("Quarto isn't installed")
    folder = tmp_path / "manuscript"
    shutil.copytree(rendered["html"].parent, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    subprocess.run([command, "render"], cwd=folder, check=True, capture_output=True)
    assert all(path.read_bytes() == content for path, content in before.items())
    new = {path.name for path in folder.rglob("*") if path.is_file() and path not in before}
    assert {"manuscript.html", "manuscript.docx", "manuscript.pdf", "manuscript.xml"} <= new


def test_authors_stand_with_their_affiliations_in_every_format(kl, tmp_path):
    values = load_yaml(kl.folder / "values.yml")
    values["author"] = [
        {"name": "Anna Öberg", "affiliation": "Hospital of A, Town", "email": "a@example.org"},
        {"name": "Bo van der Berg", "affiliation": "Institute of B", "orcid": "0000-0002-1825-0097"},
        {"name": "Prince"},
    ]
    (tmp_path / "values.yml").write_text(yaml.safe_dump(values, allow_unicode=True))
    for renderer in ("pandoc", *(["quarto"] if find_quarto() else [])):
        kl.stage(tmp_path / "manuscript", values=tmp_path / "values.yml")
        for path in render(tmp_path / "manuscript", ManuscriptSettings(), renderer):
            if path.suffix == ".pdf" and not shutil.which("pdftotext"):
                continue
            text = text_of(path)
            start = text[text.rindex("Anna Öberg", 0, text.index("This is a study")) :]
            places = [start.index(part) for part in ("Anna Öberg", "Hospital of A, Town", "Bo van der Berg", "Prince")]
            assert places == sorted(places), (renderer, path.name)
            assert "Institute of B" in start, (renderer, path.name)
            assert "true true" not in text


@pytest.mark.parametrize(
    ("page", "named"),
    [
        ('<a title="As [@olsson2021] found">1</a>', "[@olsson2021]"),
        ("<img alt='{{< meta auc >}}' src=\"data:,\">", "{{< meta auc"),
        ('<link rel="stylesheet" href="https://fonts.example.org/a.css">', "https://fonts.example.org/a.css"),
        ('<script src="https://cdn.example.org/a.js"></script>', "https://cdn.example.org/a.js"),
        ('<img alt="" src="figures/roc.svg">', "figures/roc.svg"),
        ('<a href="manuscript.docx">Word</a>', "manuscript.docx"),
        ("<style>@font-face { src: url(a.woff2) }</style>", "a.woff2"),
        ('<style>@import "https://fonts.example.org/b.css";</style>', "https://fonts.example.org/b.css"),
    ],
)
def test_what_a_page_lacks_is_named(tmp_path, page, named):
    path = tmp_path / "index.html"
    path.write_text(f"<html><body>{page}</body></html>")
    with pytest.raises(StudyError, match=re.escape(named)):
        scan(path)


def test_a_page_that_holds_all_it_needs_passes(tmp_path):
    path = tmp_path / "index.html"
    path.write_text(
        '<html><script>var a = "[@x]"; b = "<img src=a.png>"</script><img src="data:image/png;base64,AA==">'
        '<a href="https://doi.org/10.1/x">doi</a> <a href="#ref">1</a> <style>a { background: url(data:,) }</style></html>'
    )
    scan(path)


def test_a_quarto_that_fails_silently_is_found_out(kl, tmp_path, monkeypatch):
    """The command that PyPI installs ends with status 0 whatever happened."""
    kl.stage(tmp_path / "manuscript")
    (tmp_path / "manuscript/manuscript.html").write_text("of an earlier run")
    command = tmp_path / "quarto"
    command.write_text("#!/bin/sh\nprintf '\\033[91mERROR: no such thing\\033[39m' >&2\n")
    command.chmod(0o755)
    monkeypatch.setattr("analysis.manuscript.render.find_quarto", lambda: str(command))
    with pytest.raises(StudyError, match=r"Quarto failed on html: ERROR: no such thing$"):
        render(tmp_path / "manuscript", ManuscriptSettings(formats=("html",)), "quarto")
