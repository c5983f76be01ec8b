"""Rendering: a staged manuscript goes through Quarto, or through pandoc where Quarto is missing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Literal

from analysis.errors import StudyError
from analysis.files import atomic, seal, write_text
from analysis.manuscript.holes import scan
from analysis.manuscript.stage import TEXT, stage
from analysis.presentation.format import listed
from analysis.presentation.settings import Format, ManuscriptSettings
from analysis.yaml_files import load_yaml

Renderer = Literal["quarto", "pandoc"]

HERE = Path(__file__).parent / "pandoc"
#: Format of the settings to the suffix of its file.
SUFFIXES: dict[Format, str] = {"html": ".html", "docx": ".docx", "pdf": ".pdf", "jats": ".xml"}
WRITERS: dict[Format, str] = {"html": "html5", "docx": "docx", "pdf": "typst", "jats": "jats_publishing"}
QUARTO: dict[Format, str] = {"html": "html", "docx": "docx", "pdf": "typst", "jats": "jats"}
#: What pandoc makes better: Quarto's JATS has no abstract in front and wraps tables in figures; its DOCX centres every
#: cell, and holds each figure and table in a cell that cuts wide pictures and leaves captions alone at a page's foot.
ONLY_PANDOC: tuple[Format, ...] = ("docx", "jats")
#: What Quarto says, with exit status 0, of what it can't find.
WARNING = re.compile(
    r"^.*(?:Unable to resolve crossref|citeproc: citation .* not found|Unknown (?:meta|var) key"
    r"|Could not fetch resource|unable to resolve link|not found in PATH).*$",
    re.MULTILINE | re.IGNORECASE,
)
#: The first time that a zip can hold; the same input gives the same file.
EPOCH = "315532800"


def find_quarto() -> str | None:
    """Return Quarto's command: of this environment, else of the path."""
    return shutil.which("quarto", path=str(Path(sys.executable).parent)) or shutil.which("quarto")


def renderers(settings: ManuscriptSettings, renderer: str | None = None) -> dict[Format, Renderer]:
    """Return who renders each format.

    Parameters
    ----------
    settings : ManuscriptSettings
        Formats and renderer.
    renderer : {"auto", "quarto", "pandoc"}, optional
        In place of the settings' renderer.

    Raises
    ------
    StudyError
        If Quarto is asked for and isn't there.
    """
    wanted = renderer or settings.renderer
    if wanted == "quarto" and not find_quarto():
        raise StudyError("The renderer is 'quarto', but there is no command of that name; install it or use 'pandoc'.")
    by_quarto = wanted == "quarto" or (wanted == "auto" and find_quarto() is not None)
    return {name: "quarto" if by_quarto and name not in ONLY_PANDOC else "pandoc" for name in settings.formats}


@cache
def _version(renderer: Renderer) -> str:
    """Return "Quarto 1.7.34" or "pandoc 3.8"."""
    import pypandoc

    command = find_quarto() if renderer == "quarto" else pypandoc.get_pandoc_path()
    run = subprocess.run([str(command), "--version"], capture_output=True, text=True, check=False)
    number = (run.stdout.split("\n")[0].split() or ["of unknown version"])[-1]
    return f"{'Quarto' if renderer == 'quarto' else 'pandoc'} {number}"


def made_by(chosen: Mapping[Format, Renderer]) -> dict[Format, str]:
    """Return name and version of what makes each format."""
    import importlib.metadata

    found: dict[Format, str] = {}
    for name, renderer in chosen.items():
        typst = f" with Typst {importlib.metadata.version('typst')}" if name == "pdf" else ""
        found[name] = _version(renderer) + typst
    return found


def told(made: Mapping[Format, str]) -> str:
    """Return the sentence that says which program laid out which format."""
    formats: dict[str, list[str]] = {}
    for name, program in made.items():
        formats.setdefault(program, []).append(name.upper())
    clauses = [f"{listed(names)} by {program}" for program, names in formats.items()]
    return f"The text was laid out as {'; as '.join(clauses)}."


def render(
    folder: Path, settings: ManuscriptSettings, renderer: str | None = None, workers: int = len(SUFFIXES)
) -> list[Path]:
    """Render a staged manuscript into its own folder, as `index.html`, `.docx`, `.pdf` and `.xml`.

    Parameters
    ----------
    folder : Path
        As `stage` leaves it.
    settings : ManuscriptSettings
        Formats and renderer.
    renderer : {"auto", "quarto", "pandoc"}, optional
        In place of the settings' renderer.
    workers : int
        Formats that pandoc makes side by side.

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
    chosen = renderers(settings, renderer)
    targets = {name: folder / f"index{SUFFIXES[name]}" for name in chosen}

    def make(name: Format) -> None:
        (_render_quarto if chosen[name] == "quarto" else _render_pandoc)(folder, name, settings, targets[name])
        scan(targets[name])

    by_pandoc = [name for name, by in chosen.items() if by == "pandoc"]
    if not by_pandoc:
        # pandoc looks at everything first, whoever renders: Quarto itself goes on where something is missing.
        _pandoc(folder, "native", "html", folder / ".check")
        (folder / ".check").unlink()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(make, by_pandoc))
    for name in chosen:
        if name not in by_pandoc:
            make(name)
    return list(targets.values())


def _render_quarto(folder: Path, name: Format, settings: ManuscriptSettings, target: Path) -> None:
    # The Typst within Quarto orders what is in a figure anew at each run; ours, as for pandoc, gives the same bytes.
    produced = folder / Path(TEXT).with_suffix(".typ" if name == "pdf" else SUFFIXES[name])
    produced.unlink(missing_ok=True)
    command = [str(find_quarto()), "render", TEXT, "--to", QUARTO[name]]
    command += ["--metadata", "output-ext:typ"] if name == "pdf" else []
    environment = _environment() | {"NO_COLOR": "1"}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    log = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", run.stdout + run.stderr).strip()
    for left in (".quarto", f"{Path(TEXT).stem}_files"):
        shutil.rmtree(folder / left, ignore_errors=True)
    (folder / ".gitignore").unlink(missing_ok=True)
    # The command that PyPI installs ends with status 0 whatever happened.
    if run.returncode or not produced.is_file():
        raise StudyError(f"Quarto failed on {name}: {log[-2000:]}")
    if complaints := WARNING.findall(log):
        raise StudyError(f"Quarto left holes in {name}: {'; '.join(line.strip() for line in complaints)}.")
    if name == "pdf":
        _compile(produced, target)
        produced.unlink()
    else:
        produced.replace(target)


def _render_pandoc(folder: Path, name: Format, settings: ManuscriptSettings, target: Path) -> None:
    if name == "pdf":
        produced = folder / Path(TEXT).with_suffix(".typ")
        _pandoc(folder, WRITERS[name], name, produced, *_options(folder, name, settings))
        _compile(produced, target)
        produced.unlink()
    else:
        with atomic(target) as temporary:
            _pandoc(folder, WRITERS[name], name, temporary, *_options(folder, name, settings))


def _environment() -> dict[str, str]:
    """Return what a renderer runs in: the same time each day, and a locale in which pandoc can read the name of any folder."""
    found = {"SOURCE_DATE_EPOCH": EPOCH, **os.environ}
    return found | {"LC_ALL": "C.UTF-8"} if found.get("LC_ALL") in ("C", "POSIX") else found


def _compile(produced: Path, target: Path) -> None:
    """Set a text in Typst as PDF."""
    import typst

    try:
        with atomic(target) as temporary:
            typst.compile(str(produced), output=str(temporary), root=str(produced.parent), format="pdf")
    except RuntimeError as error:
        raise StudyError(f"Typst could not set {produced}: {error}") from error


def _options(folder: Path, name: Format, settings: ManuscriptSettings) -> list[str]:
    common = ["--standalone", "--metadata", f"lang={settings.language}", "--lua-filter", "headings.lua"]
    if name == "jats":
        return common
    common += ["--lua-filter", "title.lua"]
    if name == "html":
        return [
            *common, "--embed-resources", "--toc", "--toc-depth=2", "--number-sections", "--mathml",
            "--css", "styles.css", "--css", str(HERE / "page.css"), "--lua-filter", str(HERE / "hover.lua"),
        ]  # fmt: skip
    if name == "docx":
        reference = folder / "reference.docx"
        return [*common, "--number-sections", *(["--reference-doc", reference.name] if reference.is_file() else [])]
    return [
        *common, "--template", "pandoc.typ",
        "--variable", "section-numbering=1.1", "--variable", f"lang={settings.language[:2]}",
    ]  # fmt: skip


def _pandoc(folder: Path, writer: str, name: Format, out: Path, *options: str) -> None:
    """Run pandoc on the staged text; what it can't resolve becomes an error with names."""
    import pypandoc

    project = load_yaml(folder / "_quarto.yml")
    image = project.get("format", {}).get(QUARTO[name], {}).get("default-image-extension", "png")
    command = [
        pypandoc.get_pandoc_path(),
        "--from", "markdown",
        "--to", writer,
        "--metadata", "link-citations=true",
        "--bibliography", project["bibliography"],
        "--csl", project["csl"],
        f"--default-image-extension={image}",
        "--lua-filter", str(HERE / "quarto.lua"),
        "--citeproc",
        *options,
        "--output", str(out),
        TEXT,
    ]  # fmt: skip
    run = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
    problems = sorted(set(re.findall(r"^problem: (.*)$", run.stderr, re.MULTILINE)))
    if problems:
        raise StudyError(f"The manuscript has holes; missing or broken: {'; '.join(problems)}. Make or correct them.")
    if run.returncode:
        raise StudyError(f"pandoc failed on {name}: {run.stderr.strip()[-2000:]}")
    if warnings := [line for line in run.stderr.splitlines() if line.startswith("[WARNING]")]:
        raise StudyError(f"pandoc warned about {name}: {' '.join(warnings)}")


def manuscript(
    *,
    source: Path,
    tables: Path,
    figures: Path,
    values: Path,
    settings: ManuscriptSettings,
    out: Path,
    comparison: Path | None = None,
    renderer: str | None = None,
    workers: int = len(SUFFIXES),
) -> list[Path]:
    """Stage and render the manuscript; `out/renderers.json` says which program made each format."""
    made = made_by(renderers(settings, renderer))
    stage(source, tables, figures, values, out, comparison, told(made))
    write_text(out / "renderers.json", json.dumps(made, indent=1) + "\n")
    rendered = render(out, settings, renderer, workers)
    seal(out)
    return rendered
