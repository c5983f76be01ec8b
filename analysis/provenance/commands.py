"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, FOLDER, NEW_FILE, NEW_FOLDER, out, shared


@click.command()
@click.argument("inputs", nargs=-1, type=FILE)
@shared("--config")
@shared("--private", required=False)
@click.option("--benchmarks", type=NEW_FOLDER, multiple=True, help="Folder of Snakemake's benchmarks.")
@click.option("--logs", type=NEW_FOLDER, multiple=True, help="Folder of the logs, which hold what each step has read.")
@click.option("--snakemake", required=True, help="Version of Snakemake.")
@click.option("--rendered", type=FILE, required=True, help="renderers.json of the manuscript.")
@out("provenance.json", NEW_FILE)
def provenance(
    *,
    inputs: tuple[Path, ...],
    config: Path,
    private: Path | None,
    benchmarks: tuple[Path, ...],
    logs: tuple[Path, ...],
    snakemake: str,
    rendered: Path,
    out: Path,
) -> None:
    """Say what a study was made of: code, configuration, versions, hashes of INPUTS, machine and time."""
    import json

    from analysis.files import write_text
    from analysis.provenance.provenance import as_json
    from analysis.provenance.provenance import provenance as collect
    from analysis.statistics.uncertainty.roc import versions
    from analysis.yaml_files import load_yaml

    made = {"Snakemake": snakemake, "manuscript": json.loads(rendered.read_text(encoding="utf-8"))}
    found = collect(load_yaml(config), inputs, private, benchmarks, logs, {**versions(), **made})
    write_text(out, as_json(found))


@click.command()
@click.argument("given", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--study", type=FOLDER, required=True, help="Folder of results, results/COHORT/GRADING.")
@shared("--config")
@shared("--private")
@shared("--archive")
@shared("--harmless", required=False)
@out("The zip.", NEW_FILE)
def bundle(
    *,
    given: tuple[Path, ...],
    study: Path,
    config: Path,
    private: Path,
    archive: Path,
    harmless: Path | None,
    out: Path,
) -> None:
    """Pack what a reviewer needs: the code, what the statistics start from (GIVEN), and what the study made of it."""
    from analysis.archive.tables import read_reports
    from analysis.checks import privacy
    from analysis.files import read_table
    from analysis.provenance.bundle import bundle as make
    from analysis.schemas import PRIVATE
    from analysis.yaml_files import load_yaml

    def search(files: list[Path]) -> int:
        reports = read_reports(archive / "reports.csv")["text"].tolist()
        words = private.with_name(privacy.FOUND)
        found = privacy.check(
            read_table(private, PRIVATE), reports, files, privacy.repository(), harmless=harmless, words_file=words
        )
        return int(found["n"].iloc[0])

    searched, size = make(
        study=study, cohort=study.parent, given=given, config=load_yaml(config), search=search, out=out
    )
    click.echo(f"{out}: {size:.1f} MB; {searched} files hold nothing that identifies a person.")


COMMANDS: list[click.Command] = [provenance, bundle]
