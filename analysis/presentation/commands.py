"""The commands that present the study: tables, figures, values, manuscript, and the origin of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.options import FILE, FOLDER, NEW_FILE, out, section_file, shared

if TYPE_CHECKING:
    from analysis.presentation.results import Results


def results_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where the results are."""
    for option in reversed(
        (
            shared("--grading"),
            click.option("--statistics", type=FOLDER, required=True, help="Folder with roc.csv, thresholds.csv …"),
            click.option(
                "--reference-folder", "reference", type=FOLDER, required=True, help="Folder with reference.parquet."
            ),
            click.option("--selection", type=FOLDER, required=True, help="Folder with exams.parquet and flow.csv."),
            click.option("--index", type=FOLDER, help="Folder with images.parquet and counts.csv."),
            shared("--images", required=False),
            click.option("--network", type=FOLDER, help="Folder with seed-S/curve.csv."),
            click.option(
                "--members", type=FILE, help="seeds.parquet of the predictions, which says what networks there are."
            ),
            click.option("--attribution", type=FOLDER, help="Folder with cases.csv and its pictures."),
            click.option("--temperatures", "temperatures_file", type=FILE, help="temperatures.csv."),
            click.option("--coverage", type=FILE, help="coverage.csv."),
            click.option("--false-positives", type=FILE, help="false_positives.csv."),
            click.option("--sample-size", type=FILE, help="sample_size.csv."),
            click.option("--audit", type=FILE, help="audit.csv."),
            click.option("--active-learning", type=FOLDER, help="Folder of the comparison of strategies."),
            click.option("--learning-curve", type=FOLDER, help="Folder of the learning curve."),
            section_file("manuscript"),
        )
    ):
        command = option(command)
    return command


def gather(grading: Path, settings: Path, **folders: Any) -> Results:
    """Make `Results` of the options."""
    from analysis.grading.scheme import load_scheme
    from analysis.presentation.results import Results
    from analysis.presentation.settings import ManuscriptSettings
    from analysis.settings import load

    return Results(load_scheme(grading), load(ManuscriptSettings, settings), **folders)


@click.command()
@results_options
@click.option(
    "--checklists",
    type=FOLDER,
    default=Path("manuscript/checklists"),
    show_default=True,
    help="Folder of the reporting guidelines.",
)
@out("Folder for the tables: NAME.md and NAME.csv each.")
def tables(out: Path, checklists: Path, **options: Any) -> None:
    """Make all tables, as markdown for the manuscript and as CSV for people."""
    from analysis.presentation.tables import write_tables

    write_tables(gather(**options), checklists, out)


@click.command()
@results_options
@out("Folder for the figures: NAME.svg and NAME.png each.")
def figures(out: Path, **options: Any) -> None:
    """Draw all figures, as SVG and as PNG."""
    from analysis.presentation.figures import write_figures

    write_figures(gather(**options), out)


@click.command()
@results_options
@shared("--config")
@out("values.yml", NEW_FILE)
def values(out: Path, config: Path, **options: Any) -> None:
    """Collect every number of the text, and what chooses its sentences."""
    from analysis.presentation.values import TOLD, write_values
    from analysis.settings import whole

    write_values(gather(**options), whole(config, "cohort", *TOLD), out)


@click.command("compare-gradings")
@click.option(
    "--first-results", "first", type=FOLDER, required=True, help="results/<cohort>/<grading> of the first grading."
)
@click.option("--second-results", "second", type=FOLDER, required=True, help="The same of the second.")
@click.option("--first-grading", type=FILE, required=True, help="The first scheme; it says what early disease is.")
@click.option("--second-grading", type=FILE, required=True, help="The second scheme.")
@section_file("statistics")
@section_file("manuscript", "--manuscript-settings", "manuscript")
@shared("--seed")
@out("Folder to write to.")
def compare(
    *, first: Path, second: Path, first_grading: Path, second_grading: Path,
    settings: Path, manuscript: Path, seed: int, out: Path,
) -> None:  # fmt: skip
    """Put two gradings of the same exams side by side, as a table, a figure and the values of a paragraph."""
    from analysis.files import read_table
    from analysis.grading.scheme import load_scheme
    from analysis.presentation.gradings import Comparison, write_comparison
    from analysis.presentation.settings import ManuscriptSettings
    from analysis.schemas import PREDICTIONS, REFERENCE
    from analysis.settings import load
    from analysis.statistics.gradings import Graded, compare_gradings
    from analysis.statistics.settings import StatisticsSettings

    pair = []
    for folder, path in ((first, first_grading), (second, second_grading)):
        scheme, standard = load_scheme(path), folder / "reference/reference.parquet"
        reference = read_table(standard, REFERENCE)
        scheme.refuse_other(reference.columns, standard)
        pair.append(Graded(scheme, reference, read_table(folder / "predictions/exams.parquet", PREDICTIONS)))
    table = compare_gradings(pair[0], pair[1], load(StatisticsSettings, settings), seed)
    write_comparison(Comparison(table, pair[0].scheme, pair[1].scheme, load(ManuscriptSettings, manuscript)), out)


@click.command("compare-networks")
@click.option(
    "--compared",
    "networks",
    type=(str, FOLDER),
    multiple=True,
    required=True,
    metavar="NAME FOLDER",
    help="A network's name, and the folder with its network/ and predictions/; the study's own comes first.",
)
@click.option(
    "--cohort-title",
    "cohort",
    required=True,
    help="The archive that a network was trained on whose folder doesn't say so.",
)
@shared("--reference")
@shared("--grading")
@section_file("statistics")
@section_file("manuscript", "--manuscript-settings", "manuscript")
@shared("--seed")
@out("Folder to write to.")
def compare_networks(
    *, networks: tuple[tuple[str, Path], ...], cohort: str, reference: Path, grading: Path, settings: Path,
    manuscript: Path, seed: int, out: Path,
) -> None:  # fmt: skip
    """Set networks beside each other on the same test exams, as tables, a figure and the values of a section."""
    from analysis.errors import StudyError
    from analysis.grading.scheme import load_scheme
    from analysis.network.trained.compared import read_network
    from analysis.presentation.networks import Beside, write_beside
    from analysis.presentation.settings import ManuscriptSettings
    from analysis.settings import load
    from analysis.statistics.networks import differences, estimates, judge
    from analysis.statistics.settings import StatisticsSettings

    folders = dict(networks)
    if len(folders) < len(networks):
        raise StudyError("Two networks have one name; give each a name of its own.")
    scheme, asked = load_scheme(grading), load(StatisticsSettings, settings)
    found = [read_network(name, folder, scheme.name, cohort) for name, folder in folders.items()]
    files = {name: folder / "predictions/exams.parquet" for name, folder in folders.items()}
    judged = judge(files, reference, scheme)
    beside = Beside(
        found,
        estimates(judged, scheme, asked, seed),
        differences(judged, scheme, asked, seed),
        judged.left_out,
        len(set(judged.patients)),
        scheme,
        load(ManuscriptSettings, manuscript),
    )
    write_beside(beside, out)


@click.command("compare-strategies")
@click.option("--rounds", "folder", type=FOLDER, required=True, help="Folder with <strategy>/seed-S/round-R/.")
@click.option("--last", type=click.IntRange(0), required=True, help="The last round to show.")
@click.option("--strategy", "strategies", multiple=True, required=True, help="A strategy to show; once for each.")
@shared("--seed", "seeds", multiple=True)
@shared("--grading")
@section_file("active_learning")
@section_file("manuscript", "--manuscript-settings", "manuscript")
@shared("--level")
@out("Folder for the estimates, the table and the figure.")
def compare_strategies(
    *, folder: Path, last: int, strategies: tuple[str, ...], seeds: tuple[int, ...], grading: Path, settings: Path,
    manuscript: Path, level: float, out: Path,
) -> None:  # fmt: skip
    """Put the strategies of active learning side by side: performance by the number of labelled exams."""
    from analysis.active_learning.curve import collect, stops, summarise
    from analysis.active_learning.settings import ActiveLearningSettings
    from analysis.files import write_table
    from analysis.grading.scheme import load_scheme
    from analysis.presentation.active_learning import write_strategies
    from analysis.presentation.settings import ManuscriptSettings
    from analysis.schemas.active_learning import CURVE, ROUNDS, STOPS
    from analysis.settings import load

    rule = load(ActiveLearningSettings, settings)
    table = collect(folder, load_scheme(grading), strategies, seeds, last, rule.measure)
    curve, ends = summarise(table, level), stops(table, rule)
    for name, frame, schema in (("rounds", table, ROUNDS), ("curve", curve, CURVE), ("stops", ends, STOPS)):
        write_table(frame, out / f"{name}.csv", schema)
    write_strategies(curve, ends, load(ManuscriptSettings, manuscript), out)


@click.command("learning-curve")
@click.option("--runs", "folder", type=FOLDER, required=True, help="Folder with seed-S/exams-N/.")
@shared("--reference")
@shared("--grading")
@section_file("learning_curve")
@section_file("statistics", "--statistics-settings", "statistics")
@section_file("manuscript", "--manuscript-settings", "manuscript")
@shared("--seed")
@out("Folder for the estimates, the table and the figure.")
def learning_curve(
    *, folder: Path, reference: Path, grading: Path, settings: Path, statistics: Path, manuscript: Path, seed: int, out: Path
) -> None:  # fmt: skip
    """Estimate AUC and kappa by the number of training exams, and draw them, a line for each start."""
    from analysis.files import write_table
    from analysis.grading.scheme import load_scheme
    from analysis.learning_curve.curve import learning_curve as run
    from analysis.learning_curve.settings import LearningCurveSettings
    from analysis.presentation.learning_curve import write_learning_curve
    from analysis.presentation.settings import ManuscriptSettings
    from analysis.schemas.learning_curve import CURVE, RUNS
    from analysis.settings import load
    from analysis.statistics.settings import StatisticsSettings

    scheme, asked = load_scheme(grading), load(LearningCurveSettings, settings)
    runs, curve = run(folder, reference, scheme, asked, load(StatisticsSettings, statistics), seed)
    for name, frame, schema in (("runs", runs, RUNS), ("curve", curve, CURVE)):
        write_table(frame, out / f"{name}.csv", schema)
    write_learning_curve(curve, load(ManuscriptSettings, manuscript), out)


COMMANDS: list[click.Command] = [tables, figures, values, compare, compare_networks, compare_strategies, learning_curve]
