"""The pages of docs/ and the README stay true: commands exist, files are valid input, links lead somewhere."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
import yaml

from tests.archive.files import radiograph, save

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md", "results/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
BLOCK = re.compile(r"^```(\w*)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(kind):
    """Yield page, name and text of every fenced block of one kind."""
    return [
        (page, name, text) for page in PAGES for found, name, text in BLOCK.findall(page.read_text()) if found == kind
    ]


def commands(word):
    """Every line of the pages' blocks and tables that begins with a command, without its comment."""
    found = set()
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        for line in re.findall(rf"^\s*({re.escape(word)} [^\n|]*)$", text, re.MULTILINE):
            found.add(line.partition("  #")[0].strip())
        for line in re.findall(rf"`({re.escape(word)} [^`]*)`", text):
            found.add(line.strip())
    return sorted(line for line in found if "…" not in line)


@pytest.mark.parametrize("line", commands("python -m analysis"))
def test_a_command_has_the_options_that_a_page_gives_it(line):
    from analysis.__main__ import main

    words = shlex.split(line)[3:]
    context = click.Context(main)
    name, command, rest = main.resolve_command(context, [word for word in words if word != "--help"] or ["config"])
    options = {text for option in command.params for text in (*option.opts, *option.secondary_opts)}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in options]
    assert not unknown, f"{name} has no {unknown[0]}"
    arguments = [option for option in command.params if isinstance(option, click.Argument)]
    if not any(option.nargs == -1 for option in arguments):
        parser = command.make_parser(click.Context(command, resilient_parsing=True))
        _, left, _ = parser.parse_args(list(rest))
        assert len(left) <= len(arguments), f"{name} takes no {left}"


@pytest.mark.parametrize("line", commands("snakemake"))
def test_snakemake_understands_a_command(line):
    """Its own parser reads it, the targets are rules, and the files that it names are there or on the page."""
    from snakemake.cli import get_argument_parser

    words = [word for word in shlex.split(line)[1:] if word != "--help"]
    args = get_argument_parser().parse_args(words)
    rules = {
        name
        for path in ROOT.glob("workflow/rules/*.smk")
        for name in re.findall(r"^\s*rule (\w+):", path.read_text(), re.M)
    }
    rules |= set(re.findall(r"^rule (\w+):", (ROOT / "Snakefile").read_text(), re.M))
    unknown = [target for target in args.targets if target not in rules and not target.startswith("results/")]
    assert not unknown, f"no rule is called {unknown[0]}"
    written = {name for _, name, _ in blocks("yaml")} | {"study.yaml"}
    for file in args.configfile or []:
        assert (ROOT / file).is_file() or str(file) in written, file


@pytest.mark.parametrize(("page", "name", "text"), blocks("yaml"), ids=lambda value: str(value)[:40])
def test_a_file_of_yaml_is_valid(page, name, text, tmp_path):
    from analysis.grading.scheme import load_scheme
    from analysis.study.configuration import load_study
    from analysis.yaml_files import load_yaml

    if name and "/gradings/" in name:
        path = tmp_path / Path(name).name
        path.write_text(text)
        load_scheme(path)
        return
    (tmp_path / "knees/dicom").mkdir(parents=True)
    for table in ("reports.csv", "readings.csv"):
        (tmp_path / "knees" / table).touch()
    text = text.replace("/data/knees", str(tmp_path / "knees"))
    load_study(merged(load_yaml(ROOT / "config.yaml"), yaml.safe_load(text)), str(page))


def merged(base, over):
    """Lay an overlay over a configuration, as Snakemake does."""
    both = isinstance(base, dict) and isinstance(over, dict)
    return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}} if both else over


def test_the_tables_of_the_page_on_archives_are_taken_as_they_stand(tmp_path):
    """The exams that its tables name, as DICOM files beside them, are ingested and selected without a loss."""
    archive = tmp_path / "knees"
    archive.mkdir()
    for _, name, text in blocks("csv"):
        (archive / name).write_text(text)
    reports, split = (pd.read_csv(archive / name, dtype=str) for name in ("reports.csv", "sets.csv"))
    rng = np.random.default_rng(0)
    for number, (exam, patient) in enumerate(zip(reports["accession"], split["patient"], strict=True)):
        tags = {
            "AccessionNumber": exam,
            "PatientID": patient,
            "PatientName": f"Name{number}^N",
            "PatientBirthDate": f"19{30 + number}0101",
        }
        save(radiograph(rng, **tags), archive / "dicom" / f"{number}.dcm")
    out = tmp_path / "out"
    settings = tmp_path / "ingest.yaml"
    settings.write_text(yaml.safe_dump(yaml.safe_load((ROOT / "config.yaml").read_text())["ingest"]))
    made = ("--key", tmp_path / "key", "--out", out / "index", "--private-folder", out / "private")
    run("ingest", archive, "--settings", settings, *made)
    readings = pd.read_parquet(out / "index" / "readings.parquet")
    written = pd.read_csv(archive / "readings.csv", dtype=str)
    assert len(readings) == len(written)
    assert readings["exam"].nunique() == written["exam"].nunique()


def run(*words):
    done = subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, words)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, place in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
        there = page.parent / target if target else page
        assert there.exists(), f"{page.name} links to {target}"
        if place:
            headings = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert place in [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in headings]


def test_what_a_study_counts_of_its_archive_is_explained():
    """Codes that say what may be wrong with an archive, as its page tells of them, are those that ingest writes."""
    page = (ROOT / "docs/archive.md").read_text()
    table = page.partition("### What is counted")[2].partition("\n### ")[0]
    told = {code for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
    code = "\n".join(path.read_text() for path in (ROOT / "analysis/archive").rglob("*.py"))
    assert {name for name in told if name not in code} == set()
    assert len(told) > 15


def test_every_page_is_listed():
    listed = (ROOT / "docs" / "README.md").read_text()
    assert [
        page.name
        for page in PAGES
        if page.parent == ROOT / "docs" and page.name != "README.md" and f"({page.name})" not in listed
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_that_a_page_names_exist(page):
    """Files of the repository in `code`; of results/ and made-up places nothing is known here."""
    named = re.findall(r"`((?:analysis|workflow|manuscript|tests|envs|profiles|docs)/[\w./-]*)`", page.read_text())
    written = {name for _, name, _ in blocks("yaml")}
    for path in named:
        assert (ROOT / path).exists() or path in written, path
