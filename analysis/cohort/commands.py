"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import NEW_FILE, out, section_file, shared

#: As `analysis.schemas.SETS`, which takes its time to import.
SETS = ("training", "validation", "test")


@click.command()
@shared("--archive")
@shared("--images-index", "images_file")
@shared("--readings", "readings_file")
@shared("--private", "private_file")
@shared("--images", "prepared")
@section_file("selection", "--settings", "settings_file")
@section_file("reference", "--policy", "policy_file")
@shared("--seed")
@click.option(
    "--set",
    "wanted",
    type=click.Choice(SETS),
    multiple=True,
    default=SETS,
    help="The sets to draw; all of them without.",
)
@click.option(
    "--everything", is_flag=True, help="Put every eligible exam that was read as any set asks into the test set."
)
@out("Folder for exams.parquet, flow.csv and images.csv.")
def select(
    *,
    archive: Path,
    images_file: Path,
    readings_file: Path,
    private_file: Path,
    prepared: Path,
    settings_file: Path,
    policy_file: Path,
    seed: int,
    wanted: tuple[str, ...],
    everything: bool,
    out: Path,
) -> None:
    """Select exams by predefined rules and split them into sets at patient level."""
    import numpy as np
    import pandas as pd

    from analysis.cohort import selection
    from analysis.cohort.settings import SelectionSettings
    from analysis.files import read_table, write_table
    from analysis.grading.settings import ReferenceSettings
    from analysis.imaging.store import ImageStore
    from analysis.schemas import EXAMS, FLOW, IMAGE_COUNTS, IMAGES, PRIVATE, READINGS, UNREADABLE
    from analysis.settings import load

    images, store = read_table(images_file, IMAGES), ImageStore(prepared)
    unreadable = pd.concat([read_table(path, UNREADABLE) for path in sorted(prepared.glob("unreadable-*.csv"))])
    settings = load(SelectionSettings, settings_file)
    if everything and settings.split != "draw" and (archive / "sets.csv").exists():
        click.echo(
            f"{archive / 'sets.csv'} is not used: every eligible exam is judged, whichever set it is in there (external.exams: "
            "test keeps to its sets)."
        )
    counts = selection.count_images(images, store.rows, unreadable, store.copies)
    exams, flow = selection.select(
        archive,
        images,
        read_table(readings_file, READINGS),
        read_table(private_file, PRIVATE),
        store.rows,
        settings=settings,
        policy=load(ReferenceSettings, policy_file),
        rng=np.random.default_rng(seed),
        wanted=[name for name in SETS if name in wanted],
        everything=everything,
    )
    write_table(exams, out / "exams.parquet", EXAMS)
    write_table(flow, out / "flow.csv", FLOW)
    write_table(counts, out / "images.csv", IMAGE_COUNTS)
    for row in flow.itertuples():
        click.echo(f"{row.exams:>8} {row.label}")


@click.command()
@shared("--exams")
@shared("--images-index", "index")
@shared("--reference")
@shared("--images")
@shared("--grading")
@out("characteristics.csv", NEW_FILE)
def characterise(*, exams: Path, index: Path, reference: Path, images: Path, grading: Path, out: Path) -> None:
    """Describe the exams of each set: grades, ages, sexes, views, and the brightness and size of their images."""
    from analysis.cohort.characteristics import characterise as run
    from analysis.files import read_table, write_table
    from analysis.grading.scheme import load_scheme
    from analysis.imaging.store import ImageStore
    from analysis.schemas import CHARACTERISTICS, EXAMS, IMAGES, REFERENCE

    scheme = load_scheme(grading)
    tables = (read_table(exams, EXAMS), read_table(index, IMAGES), read_table(reference, REFERENCE))
    scheme.refuse_other(tables[-1].columns, reference)
    write_table(run(*tables, ImageStore(images), scheme), out, CHARACTERISTICS)


COMMANDS: list[click.Command] = [select, characterise]
