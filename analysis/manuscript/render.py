"""Rendering: a staged copy of the manuscript goes through Quarto, or through pandoc where Quarto is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis.errors import StudyError
from analysis.files import atomic, write_text
from analysis.manuscript.source import expand, missing, substitute
from analysis.report.hashes import provenance_table
from analysis.report.markdown import to_markdown
from analysis.report.settings import Format, ReportSettings
from analysis.settings import load_yaml

HERE = Path(__file__).parent / "pandoc"
#: Format of the settings to the suffix of its file.
SUFFIXES: dict[Format, str] = {"html": ".html", "docx": ".docx", "pdf": ".pdf", "jats": ".xml"}
WRITERS: dict[Format, str] = {"html": "html5", "docx": "docx", "pdf": "typst", "jats": "jats_publishing"}
QUARTO: dict[Format, str] = {"html": "html", "docx": "docx", "pdf": "typst", "jats": "jats"}
#: What Quarto prints, with exit status 0, in place of something that it can't find.
LEFTOVER = re.compile(r"\?(?:meta|var|invalid meta type|invalid var type):[\w.]*|\?@[\w-]+|\{\{<[^>]*>\}\}")
WARNING = re.compile(
    r"^.*(?:Unable to resolve crossref|citeproc: citation .* not found|Unknown (?:meta|var) key"
    r"|Could not fetch resource|unable to resolve link|not found in PATH).*$",
    re.MULTILINE | re.IGNORECASE,
)


def stage(
    source: Path, tables: Path, figures: Path, values: Path, out: Path, comparison: Path | None = None
) -> dict[str, Any]:
    """Lay out a folder that either renderer can render, and check what the text asks for.

    Parameters
    ----------
    source : Path
        The folder with `_quarto.yml`, `index.qmd` and its parts.
    tables, figures : Path
        Folders of tables (markdown) and figures (SVG and PNG).
    values : Path
        The YAML file of all numbers.
    out : Path
        The folder to fill; what an earlier run left there goes.
    comparison : Path, optional
        Two gradings side by side, as compare-gradings writes it; without it that section is left out.

    Returns
    -------
    dict
        The values.

    Raises
    ------
    StudyError
        If a value, condition, table or cross-reference is missing; the message names each.
    """
    if out.exists():
        shutil.rmtree(out)
    shutil.copytree(source, out, ignore=shutil.ignore_patterns(".quarto", "_manuscript", ".*"))
    (out / "_tables").mkdir()
    for table in sorted(tables.glob("*.md")):
        shutil.copy2(table, out / "_tables" / table.name)
    (out / "figures").mkdir()
    for figure in sorted(figures.iterdir()):
        if figure.suffix in (".svg", ".png"):
            shutil.copy2(figure, out / "figures" / figure.name)
    shutil.copy2(values, out / "values.yml")
    found = _add_comparison(comparison, out) if comparison else _leave_comparison_out(out)
    write_text(out / "_tables" / "citations.md", _citations(found))
    write_text(out / "_tables" / "provenance.md", "\n")
    expand(out)  # a missing table is named here, before its hash is asked for
    provenance = provenance_table(tables, figures, values, found)
    write_text(out / "_tables" / "provenance.md", to_markdown(provenance))
    holes = list(missing(expand(out), found))
    if holes:
        raise StudyError(f"The manuscript asks for {'; '.join(holes)}. Add it to the values, or correct the source.")
    return found


def _add_comparison(comparison: Path, out: Path) -> dict[str, Any]:
    shutil.copy2(comparison / "table.md", out / "_tables" / "gradings.md")
    for suffix in (".svg", ".png"):
        shutil.copy2(comparison / f"gradings{suffix}", out / "figures" / f"gradings{suffix}")
    with (out / "values.yml").open("a", encoding="utf-8") as file:
        file.write((comparison / "values.yml").read_text(encoding="utf-8"))
    return load_yaml(out / "values.yml")


def _leave_comparison_out(out: Path) -> dict[str, Any]:
    write_text(out / "_gradings.qmd", "\n")
    return load_yaml(out / "values.yml")


def _citations(found: Mapping[str, Any]) -> str:
    """Return the sentence that cites the sources of scheme and cohort, whose keys only the study knows.

    It is no value of the text: citations in metadata would be numbered before those of the text.
    """
    sentences = []
    if found["scheme"]["reference"]:
        sentences.append(f"The grading follows its published source [@{found['scheme']['reference']}].")
    cohort = found["cohort"]
    if cohort["cited"]:
        what = f"are those of {cohort['data_set']}" if cohort["published"] else "come from a published source"
        sentences.append(f"The radiographs {what} [@{cohort['citation']}].")
    if cohort["origin_known"]:
        cited = f" [@{cohort['origin_citation']}]" if cohort["origin_citation"] else ""
        sentences.append(f"They show people of {cohort['origin']}{cited}.")
    return " ".join(sentences) + "\n"


def render(folder: Path, settings: ReportSettings, renderer: str | None = None) -> list[Path]:
    """Render a staged manuscript into its own folder, as `index.html`, `.docx`, `.pdf` and `.xml`.

    Parameters
    ----------
    folder : Path
        As `stage` leaves it.
    settings : ReportSettings
        Formats and renderer.
    renderer : {"auto", "quarto", "pandoc"}, optional
        In place of the settings' renderer.

    Returns
    -------
    list of Path
        The files made, in the order of the settings' formats.

    Raises
    ------
    StudyError
        If the renderer is missing, fails, or leaves a hole; the message names it.
    """
    folder = folder.resolve()
    renderer = renderer or settings.renderer
    if renderer == "quarto" and not shutil.which("quarto"):
        raise StudyError("The renderer is 'quarto', but there is no command of that name; install it or use 'pandoc'.")
    values = load_yaml(folder / "values.yml")
    text = substitute(expand(folder), values)
    # pandoc looks at everything first, whoever renders: Quarto itself goes on where something is missing.
    _pandoc(folder, text, "native", "html", folder / ".check")
    (folder / ".check").unlink()
    if renderer == "quarto" or (renderer == "auto" and shutil.which("quarto")):
        return _render_quarto(folder, settings.formats)
    return [_render_pandoc(folder, text, values, name, settings) for name in settings.formats]


def _render_quarto(folder: Path, formats: Sequence[Format]) -> list[Path]:
    made = []
    for name in formats:
        command = ["quarto", "render", "index.qmd", "--to", QUARTO[name]]
        if name == "html":
            command += ["--metadata", "embed-resources:true"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        log = run.stdout + run.stderr
        if run.returncode:
            raise StudyError(f"Quarto failed on {name}: {log.strip()[-2000:]}")
        if complaints := WARNING.findall(log):
            raise StudyError(f"Quarto left holes in {name}: {'; '.join(line.strip() for line in complaints)}.")
        target = folder / f"index{SUFFIXES[name]}"
        produced = sorted((folder / "_manuscript").glob(f"**/index{SUFFIXES[name]}"))
        if not produced and not target.is_file():
            raise StudyError(f"Quarto made no {name} although it reported none missing; its last words: {log[-500:]}")
        if produced:
            shutil.move(produced[0], target)
        scan(target)
        made.append(target)
    shutil.rmtree(folder / "_manuscript", ignore_errors=True)
    shutil.rmtree(folder / ".quarto", ignore_errors=True)
    return made


def _render_pandoc(folder: Path, text: str, values: Mapping[str, Any], name: Format, settings: ReportSettings) -> Path:
    target = folder / f"index{SUFFIXES[name]}"
    with atomic(target) as temporary:
        if name == "pdf":
            import typst

            middle = folder / ".index.typ"
            _pandoc(folder, text, "typst", name, middle, *_options(folder, name, settings))
            typst.compile(str(middle), output=str(temporary), root=str(folder), format="pdf")
            middle.unlink()
        else:
            _pandoc(folder, text, WRITERS[name], name, temporary, *_options(folder, name, settings))
    scan(target)
    return target


def _options(folder: Path, name: Format, settings: ReportSettings) -> list[str]:
    common = ["--standalone", "--metadata", f"lang={settings.language}"]
    if name == "html":
        return [
            *common, "--embed-resources", "--toc", "--toc-depth=2", "--number-sections", "--mathml",
            "--css", str(folder / "styles.css"), "--css", str(HERE / "page.css"), "--lua-filter", str(HERE / "hover.lua"),
        ]  # fmt: skip
    if name == "docx":
        reference = folder / "reference.docx"
        return [*common, "--number-sections", *(["--reference-doc", str(reference)] if reference.is_file() else [])]
    if name == "pdf":
        return [
            *common, "--template", str(HERE / "template.typ"), "--include-in-header", str(folder / "pdf.typ"),
            "--variable", "section-numbering=1.1", "--variable", f"lang-short={settings.language[:2]}",
        ]  # fmt: skip
    return common


def _pandoc(folder: Path, text: str, writer: str, name: Format, out: Path, *options: str) -> None:
    """Run pandoc on expanded text; what it can't resolve becomes an error with names."""
    import pypandoc

    project = yaml.safe_load((folder / "_quarto.yml").read_text(encoding="utf-8"))
    image = project.get("format", {}).get(QUARTO[name], {}).get("default-image-extension", "png")
    command = [
        pypandoc.get_pandoc_path(),
        "--from", "markdown",
        "--to", writer,
        "--metadata-file", "values.yml",
        "--metadata", "link-citations=true",
        "--bibliography", project["bibliography"],
        "--csl", project["csl"],
        f"--default-image-extension={image}",
        "--lua-filter", str(HERE / "quarto.lua"),
        "--citeproc",
        *options,
        "--output", str(out),
    ]  # fmt: skip
    # The same input gives the same file: DOCX holds the time that pandoc is told, here the first that a zip can hold.
    environment = {"SOURCE_DATE_EPOCH": "315532800", **os.environ}
    run = subprocess.run(command, cwd=folder, env=environment, input=text, capture_output=True, text=True, check=False)
    problems = sorted(set(re.findall(r"^problem: (.*)$", run.stderr, re.MULTILINE)))
    if problems:
        raise StudyError(f"The manuscript has holes; missing or broken: {'; '.join(problems)}. Make or correct them.")
    if run.returncode:
        raise StudyError(f"pandoc failed on {name}: {run.stderr.strip()[-2000:]}")
    if warnings := [line for line in run.stderr.splitlines() if line.startswith("[WARNING]")]:
        raise StudyError(f"pandoc warned about {name}: {' '.join(warnings)}")


def scan(path: Path) -> None:
    """Look for what a renderer prints in place of something missing.

    Raises
    ------
    StudyError
        Names the file and every leftover in it.
    """
    found = sorted(set(LEFTOVER.findall(plain_text(path))))
    if found:
        raise StudyError(
            f"{path} was rendered with holes: {', '.join(found)}. Add what is missing to values or source."
        )


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


def manuscript(
    *,
    source: Path,
    tables: Path,
    figures: Path,
    values: Path,
    settings: ReportSettings,
    out: Path,
    comparison: Path | None = None,
    renderer: str | None = None,
) -> list[Path]:
    """Stage and render the manuscript; `out/renderer.txt` says by what."""
    stage(source, tables, figures, values, out, comparison)
    made = render(out, settings, renderer)
    chosen = renderer or settings.renderer
    by_quarto = chosen == "quarto" or (chosen == "auto" and shutil.which("quarto"))
    write_text(out / "renderer.txt", ("Quarto" if by_quarto else "pandoc") + "\n")
    return made
