"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("import-kneekl224")
@click.option("--folder", type=FOLDER, help="Unpacked kneeKL224; else as the settings say, else fetched from its DOI.")
@click.option("--settings", "settings_file", required=True, type=FILE, help="YAML of the section 'archive'.")
@click.option("--out", required=True, type=FOLDER, help="Folder for the archive.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
def import_kneekl224(folder: Path | None, settings_file: Path, out: Path, workers: int) -> None:
    """Bring the public radiographs of Chen 2018 into the form of an archive."""
    from analysis.archive.sources import kneekl224
    from analysis.archive.sources.mendeley import fetch
    from analysis.archive.sources.settings import ArchiveSettings
    from analysis.settings import load

    settings = load(ArchiveSettings, settings_file).kneekl224
    source = folder or (Path(settings.folder) if settings.folder else fetch(settings, out / "fetched"))
    found = kneekl224.import_images(source, settings.sets, out, workers)
    click.echo(f"Imported {len(found)} radiographs of {found['patient'].nunique()} patients.")


COMMANDS: list[click.Command] = [import_kneekl224]
