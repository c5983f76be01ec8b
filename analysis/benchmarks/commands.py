"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, FOLDER, section_file, shared


@click.command("bench-archive")
@shared("--archive")
@click.option("--ingest-settings", "ingest_file", type=FILE, help="The section 'ingest'; else that of config.yaml.")
@click.option("--images-settings", "images_file", type=FILE, help="The section 'images'; else that of config.yaml.")
@shared("--workers", default=2)
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="The best of so many counts.")
@click.option(
    "--memory", multiple=True, type=click.IntRange(50), help="Instead: peak memory on so many files; more than once."
)
def bench_archive(
    *,
    archive: Path,
    ingest_file: Path | None,
    images_file: Path | None,
    workers: int,
    repeats: int,
    memory: tuple[int, ...],
) -> None:
    """Time ingest and prepare against a bare loop that decodes, windows, crops, reduces and pads the same files."""
    from analysis.archive.settings import IngestSettings
    from analysis.benchmarks import archive as bench
    from analysis.imaging.settings import ImagesSettings
    from analysis.settings import section

    ingest, images = section(IngestSettings, "ingest", ingest_file), section(ImagesSettings, "images", images_file)
    for files in memory:
        found = bench.memory(archive, ingest, images, workers=workers, files=files)
        click.echo(f"{files:>8} files: peak {found['ingest']:.0f} MB in ingest, {found['prepare']:.0f} MB in prepare")
    if not memory:
        found = bench.rate(archive, ingest, images, workers=workers, repeats=repeats)
        click.echo(
            "{files} files, {workers} processes each way, best of {repeats}\n"
            "bare loop  {bare:7.2f} s  {decoded} decoded\n"
            "ingest     {ingest:7.2f} s\nprepare    {prepare:7.2f} s  {prepared} prepared\n"
            "images a second, ingest and prepare together / bare loop: {ratio:.2f}".format(
                **found, workers=workers, repeats=repeats
            )
        )


@click.command("bench-network")
@section_file("network", "--settings", "settings_file", required=False)
@shared("--grading", required=False)
@click.option("--side", default=96, show_default=True, type=click.IntRange(16), help="Side of the images, pixels.")
@click.option("--per-exam", multiple=True, default=(1, 2, 4), show_default=True, type=click.IntRange(1),
              help="Images of each exam; may be repeated.")  # fmt: skip
@click.option("--steps", default=12, show_default=True, type=click.IntRange(1), help="Steps of an epoch.")
@click.option("--repeats", default=9, show_default=True, type=click.IntRange(1), help="Epochs timed, each way.")
@click.option(
    "--exam-count", "exams", default=5700, show_default=True, type=click.IntRange(1), help="Projected: training exams."
)
@shared("--workers", default=2)
def bench_network(
    *,
    settings_file: Path | None,
    grading: Path | None,
    side: int,
    per_exam: tuple[int, ...],
    steps: int,
    repeats: int,
    exams: int,
    workers: int,
) -> None:
    """Time training against a bare loop that pushes ready tensors through the same network."""
    from analysis.benchmarks import network as bench
    from analysis.network.devices import Device
    from analysis.network.settings import NetworkSettings
    from analysis.settings import CONFIG, section
    from analysis.yaml_files import load_yaml

    grading = grading or Path(f"workflow/gradings/{load_yaml(CONFIG)['grading']}.yaml")
    settings = section(NetworkSettings, "network", settings_file)
    device = Device.choose(settings, workers)
    click.echo(f"{device}; width {settings.width}, {side} x {side} pixels, batches of {settings.training.batch} passes")
    rates = bench.bench(settings, grading, side=side, per_exam=per_exam, steps=steps, repeats=repeats, workers=workers)
    for rate in rates:
        click.echo(bench.report(rate, settings, device, exams))


@click.command("bench-statistics")
@click.option("--exam-count", "exams", type=click.IntRange(50), default=300, show_default=True)
@click.option("--outcomes", type=click.IntRange(1), default=8, show_default=True)
@click.option("--replicates", type=click.IntRange(100), default=2000, show_default=True)
@shared("--workers")
@shared("--seed", default=1, show_default=True)
def bench_statistics(*, exams: int, outcomes: int, replicates: int, workers: int, seed: int) -> None:
    """Time all of roc.csv's intervals against calling R separately for each outcome."""
    from analysis.benchmarks.statistics import bench

    click.echo(bench(exams, outcomes, replicates, workers=workers, seed=seed))


@click.command("bench-reading")
@shared("--grading")
@click.option("--exam-count", "exams", type=click.IntRange(20), default=20000, show_default=True)
@click.option("--reading-count", "readings", type=click.IntRange(0), default=36000, show_default=True, help="Readings.")
@click.option(
    "--reader-count",
    "readers",
    type=click.IntRange(3, 60),
    default=20,
    show_default=True,
    help="Readers at the same time.",
)
@click.option("--seconds", type=click.FloatRange(1, 600), default=45, show_default=True, help="How long they read.")
@click.option("--pause", type=click.FloatRange(0), default=4, show_default=True, help="Seconds an exam, on average.")
@shared("--seed", default=1, show_default=True)
def bench_reading(
    *, grading: Path, exams: int, readings: int, readers: int, seconds: float, pause: float, seed: int
) -> None:
    """Time the reading room in a large study: start, next, save, back, progress, memory, with readers at work."""
    from analysis.benchmarks.reading import bench

    size = {"exams": exams, "readings": readings, "readers": readers}
    click.echo(bench(grading, **size, seconds=seconds, pause=pause, seed=seed))


@click.command("bench-films")
@click.option(
    "--films", default=1000, show_default=True, type=click.IntRange(18), help="Simulated films of both knees."
)
@shared("--seed", default=1, show_default=True)
def bench_films(films: int, seed: int) -> None:
    """Cut simulated films of both knees as ingest does, and count those that are refused or cut in the wrong place."""
    from analysis.benchmarks.films import NEAR, evaluate

    table = evaluate(films, seed)
    click.echo(f"{'':32}{'films':>8}{'refused':>10}{'wrong side':>12}{f'joint > {NEAR:g} mm off':>20}")
    for row in table.itertuples():
        click.echo(f"{row.variation:32}{row.films:>8}{row.refused:>10}{row.wrong_side:>12}{row.far:>20}")


@click.command("bench-planning")
@click.option("--files", default=100_000, show_default=True, type=click.IntRange(1), help="Files of the archive.")
@click.option("--seed-count", "seeds", default=50, show_default=True, type=click.IntRange(1), help="Networks trained.")
@click.option(
    "--shards", default=100, show_default=True, type=click.IntRange(1), help="Shards of the files and of the images."
)
def bench_planning(files: int, seeds: int, shards: int) -> None:
    """Plan a study of many files and networks (snakemake --dry-run), and say what that costs."""
    from analysis.benchmarks.planning import plan

    found = plan(files, seeds, shards)
    click.echo(
        f"{files} files, {shards} shards, {seeds} networks: {found.jobs['total']} jobs, planned in {found.processor:.1f} s of "
        f"processor time ({found.clock:.1f} s by the clock) with {found.memory:.0f} MB"
    )


@click.command("bench-grade")
@shared("--archive")
@click.option(
    "--network", "card", type=FOLDER, required=True, help="The network's folder, as the rule 'card' writes it."
)
@shared("--workers")
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="The best of so many counts.")
@click.option(
    "--memory", multiple=True, type=click.IntRange(50), help="Instead: peak memory on so many files; more than once."
)
def bench_grade(*, archive: Path, card: Path, workers: int, repeats: int, memory: tuple[int, ...]) -> None:
    """Time grading against a bare loop that reads, prepares and predicts the same files, and its start."""
    from analysis.benchmarks import grading as bench

    for files in memory:
        click.echo(f"{files:>8} files: peak {bench.memory(archive, card, workers=workers, files=files):.0f} MB")
    if not memory:
        found = bench.rate(archive, card, workers=workers, repeats=repeats)
        click.echo(
            "{files} files, {workers} threads of the network each way, best of {repeats}\n"
            "bare loop {bare:7.2f} s  {images} images\n"
            "grade     {grade:7.2f} s  {graded} images of {knees} knees\n"
            "images a second, grade / bare loop: {ratio:.2f}, wanted at least {least}\n"
            "from the command to its first knee: {start:.1f} s, wanted under {most:g} s".format(
                **found, workers=workers, repeats=repeats, least=bench.WANTED["ratio"], most=bench.WANTED["start"]
            )
        )


COMMANDS: list[click.Command] = [
    *(bench_archive, bench_films, bench_grade, bench_network, bench_planning, bench_reading, bench_statistics)
]
