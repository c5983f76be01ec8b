"""The folder that is rendered: one text with its numbers in it, its figures, and what lays it out."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from analysis.errors import StudyError
from analysis.files import write_text
from analysis.manuscript.source import choose, expand, missing, substitute
from analysis.presentation.hashes import provenance_table
from analysis.presentation.markdown import to_markdown
from analysis.yaml_files import dump_yaml, load_yaml, parse_yaml

#: The text as either renderer is given it. What is published has another name, so that a reader's own rendering lies
#: beside it and doesn't replace it.
TEXT = "manuscript.qmd"
SOURCE = "index.qmd"
TABLES = "_tables/"
#: What may stand side by side, each with a section of its own.
COMPARISONS = ("gradings", "networks")
#: What the values say about the text as a whole; the rest of them stands in it.
FRONT = ("title", "lang", "author")


def stage(
    source: Path,
    tables: Path,
    figures: Path,
    values: Path,
    out: Path,
    comparison: Path | None = None,
    rendered: str = "",
) -> dict[str, Any]:
    """Lay out a folder that either renderer can render: includes, conditions and values are resolved in its text.

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
        Gradings or networks side by side, as compare-gradings or compare-networks writes it; a section of which there is
        none is left out.
    rendered : str
        The sentence that says which renderer makes which format.

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
    shutil.copytree(source, out, ignore=shutil.ignore_patterns("*.qmd", "checklists", "_manuscript", ".*"))
    (out / "figures").mkdir()
    drawn = [path for path in sorted(figures.iterdir()) if path.suffix in (".svg", ".png")]
    drawn += [path for path in sorted(comparison.iterdir()) if path.suffix in (".svg", ".png")] if comparison else []
    for figure in drawn:
        shutil.copy2(figure, out / "figures" / figure.name)
    found = load_yaml(values)
    made = {f"{TABLES}citations.md": _citations(found), f"{TABLES}renderers.md": rendered}
    made |= {f"_{name}.qmd": "" for name in COMPARISONS}
    if comparison:
        beside = load_yaml(comparison / "values.yml")
        found |= beside
        for name in beside:
            del made[f"_{name}.qmd"]
            for path in sorted(comparison.glob("*.md")):
                made[f"{TABLES}{name}-{path.stem}.md"] = path.read_text(encoding="utf-8")
        write_text(out / "values.yml", dump_yaml(found))
    else:
        shutil.copy2(values, out / "values.yml")
    read = _reader(source, tables, made)
    front, text = _parted(read(SOURCE))
    # The prose is resolved before tables are put in: what stands in a table is data and asks for nothing.
    prose = expand(text, lambda name: None if name.startswith(TABLES) else read(name))
    made[f"{TABLES}provenance.md"] = ""
    expand(prose, read)  # a missing table is named here, before its hash is asked for
    made[f"{TABLES}provenance.md"] = to_markdown(provenance_table(tables, figures, values, found))
    holes = list(missing(prose, found))
    if holes:
        raise StudyError(f"The manuscript asks for {'; '.join(holes)}. Add it to the values, or correct the source.")
    text = expand(substitute(choose(prose, found), found), read)
    if left := re.findall(r"\{\{<.*", text):
        raise StudyError(f"Nothing resolves '{left[0][:60]}' in the manuscript; correct its source or the values.")
    front |= {key: found[key] for key in FRONT if key in found}
    write_text(out / TEXT, f"---\n{dump_yaml(front)}---\n\n{text}")
    return found


def _reader(source: Path, tables: Path, made: Mapping[str, str]) -> Callable[[str], str]:
    """Return what reads a part of the text by its name: made here, a table, or a file of the source."""

    def read(name: str) -> str:
        if name in made:
            return made[name]
        path = tables / name.removeprefix(TABLES) if name.startswith(TABLES) else source / name
        if not path.is_file():
            raise StudyError(
                f"The manuscript in {source} includes {name}, which is not there; make that table or correct the name."
            )
        return path.read_text(encoding="utf-8")

    return read


def _parted(text: str) -> tuple[dict[str, Any], str]:
    """Split a source into its front matter and the text below it."""
    match = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    return (parse_yaml(match[1], "the head of a page") or {}, text[match.end() :]) if match else ({}, text)


def _citations(found: Mapping[str, Any]) -> str:
    """Return the sentence that cites the sources of scheme and cohort, whose keys only the study knows."""
    sentences = []
    if found["scheme"]["citation"]:
        sentences.append(f"The grading follows its published source [@{found['scheme']['citation']}].")
    cohort = found["cohort"]
    if cohort["cited"]:
        what = f"are those of {cohort['data_set']}" if cohort["published"] else "come from a published source"
        sentences.append(f"The radiographs {what} [@{cohort['citation']}].")
    if cohort["origin_known"]:
        cited = f" [@{cohort['origin_citation']}]" if cohort["origin_citation"] else ""
        sentences.append(f"They show people of {cohort['origin']}{cited}.")
    return " ".join(sentences) + "\n"
