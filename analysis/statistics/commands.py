"""The commands of the statistics."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.options import FILE, FOLDER, NEW_FILE, out, section_file, shared

if TYPE_CHECKING:
    from analysis.statistics.settings import StatisticsSettings

_SETTINGS = section_file("statistics")
_SEED = shared("--seed", default=1, show_default=True)
_WORKERS = shared("--workers")

_REFERENCE = shared("--reference")
_GRADING = shared("--grading")
_CSV = out("The CSV to write.", NEW_FILE)


@click.command("evaluate")
@shared("--predictions")
@_REFERENCE
@_GRADING
@shared("--exams", required=False)
@shared("--images-index", "images", required=False)
@click.option("--readers", type=FILE, help="Independent readings, to put readers beside the network.")
@click.option("--members", type=FILE, help="seeds.parquet of predict: the scores of each network of an ensemble.")
@click.option(
    "--development", type=FOLDER, help="Folder of what the network's own study estimated, where that is another one."
)
@section_file("external", "--external", required=False)
@_SETTINGS
@_SEED
@_WORKERS
@out("Folder for the tables.")
def evaluate_command(
    *, grading: Path, settings: Path, external: Path | None, readers: Path | None, **options: Any
) -> None:
    """Estimate everything about a network's predictions, with uncertainty."""
    from analysis.grading.scheme import load_scheme
    from analysis.settings import load
    from analysis.statistics.brought import read_readers
    from analysis.statistics.evaluate import evaluate
    from analysis.statistics.readers import left_out
    from analysis.statistics.settings import ExternalSettings

    judged = load(ExternalSettings, external) if external else None
    scheme = load_scheme(grading)
    readings = read_readers(readers, scheme) if readers else None
    study = evaluate(scheme=scheme, settings=_named(settings, grading), external=judged, readers=readings, **options)
    scores, labels = options["predictions"], options["reference"]
    _tell(study.unmatched, f"in {scores} are not in {labels} and take no part")
    _tell(
        study.unscored,
        f"in {labels} lack scores in {scores} and take no part in what they lack (roc.csv: missing_score)",
    )
    _tell(
        study.straddling,
        f"in {labels} are of patients who are in another set as well: estimates are too good then; split the sets by patient",
    )
    for told in left_out(study, readings, readers) if readers and readings is not None else ():
        click.echo(told, err=True)


@click.command("compare")
@click.option("--first", type=FILE, required=True, help="Scores by exam: any numbers, higher for likelier cases.")
@click.option("--second", type=FILE, required=True, help="Another network's, or settings', of the same exams.")
@click.option("--names", nargs=2, default=("first", "second"), show_default=True, help="What to call them.")
@_REFERENCE
@_GRADING
@_SETTINGS
@_SEED
@_CSV
def compare_command(*, grading: Path, settings: Path, **options: Any) -> None:
    """Compare AUCs, accuracy and kappa of two networks, or settings, on the same exams."""
    from analysis.grading.scheme import load_scheme
    from analysis.statistics.networks import compare_predictions

    judged = compare_predictions(scheme=load_scheme(grading), settings=_load(settings), **options)
    for path, (name, study) in zip((options["first"], options["second"]), judged.networks.items(), strict=True):
        _tell(study.unmatched, f"in {path} are not in {options['reference']} and take no part")
        if unscored := judged.left_out[name]:
            click.echo(f"{unscored} test exams have no score in {path} and take no part.", err=True)


@click.command("coverage")
@_SETTINGS
@_SEED
@_WORKERS
@_CSV
def coverage_command(*, settings: Path, **options: Any) -> None:
    """Simulate how often each kind of interval covers the true AUC."""
    from analysis.statistics.coverage import run_coverage

    run_coverage(_load(settings), **options)


@click.command("false-positives")
@_SETTINGS
@_SEED
@_WORKERS
@_CSV
def false_positives_command(*, settings: Path, **options: Any) -> None:
    """Simulate how often the tests of a difference find one that isn't there."""
    from analysis.statistics.false_positives import run_false_positives

    run_false_positives(_load(settings), **options)


_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command("sample-size")
@click.option("--settings", type=FILE, help="YAML of the section 'statistics': the published outcomes are planned.")
@click.option("--out", type=NEW_FILE, help="With --settings: the CSV to write.")
@click.option("--cases", type=click.IntRange(1), help="Planned cases, with --controls.")
@click.option("--controls", type=click.IntRange(1), help="Planned controls.")
@click.option("--auc", type=_SHARE, help="The AUC that is expected.")
@click.option("--width", type=_SHARE, help="Instead of the numbers: how wide the interval may be, with --prevalence.")
@click.option("--prevalence", type=_SHARE, help="Share of cases among the exams.")
@click.option(
    "--exams-per-patient", type=click.FloatRange(1), default=1, show_default=True, help="With the same label."
)
@click.option("--correlation", type=click.FloatRange(0, 1), default=0.7, show_default=True, help="Of their scores.")
@shared("--level", default=0.95, show_default=True)
def sample_size_command(
    *,
    settings: Path | None,
    out: Path | None,
    cases: int | None,
    controls: int | None,
    auc: float | None,
    width: float | None,
    prevalence: float | None,
    **options: Any,
) -> None:
    """Say how wide the interval of an AUC will be at planned numbers, or how many exams a width takes."""
    from analysis.errors import StudyError
    from analysis.statistics.sample_size import expected, needed, plan

    planned, wide = (cases, controls), (width, prevalence)
    if sum(any(value is not None for value in given) for given in (planned, wide, (settings, out))) > 1:
        raise StudyError(
            "Give either --cases with --controls, or --width with --prevalence, or --settings with --out; leave out the others."
        )
    if settings and out:
        plan(_load(settings), out)
        return
    if auc and cases and controls:
        found = expected(cases, controls, auc, **options)
    elif auc and width and prevalence:
        found = needed(width, prevalence, auc, **options)
    else:
        raise StudyError(
            "Give --auc with --cases and --controls, or --auc with --width and --prevalence; or --settings and --out."
        )
    click.echo(
        f"{found['cases']:g} cases and {found['controls']:g} controls, AUC {auc:g}: "
        f"{100 * found['level']:g} % interval {found['low']:.3f} to {found['high']:.3f}, {found['width']:.3f} wide"
        f" (effective numbers {found['effective_cases']:.1f} and {found['effective_controls']:.1f})."
    )


@click.command("audit")
@_SETTINGS
@_CSV
def audit_command(*, settings: Path, out: Path) -> None:
    """Check the published tables for internal consistency."""
    from analysis.statistics.audit import run_audit

    run_audit(_load(settings), out)


def _named(settings: Path, grading: Path) -> StatisticsSettings:
    """Read the settings of a study, and check the names in them by the gradings beside the one that is used."""
    from analysis.errors import StudyError
    from analysis.grading.scheme import load_scheme
    from analysis.statistics.names import check_names

    found, schemes = _load(settings), [load_scheme(grading)]
    for path in sorted(grading.parent.glob("*.yaml")):
        with suppress(StudyError):  # in a folder of somebody's own there may be others
            schemes.append(load_scheme(path))
    try:
        check_names(found, schemes)
    except ValueError as error:
        raise StudyError(f"{settings}: {error}") from error
    return found


def _tell(exams: Sequence[str], what: str) -> None:
    """Say on standard error what is missing of how many exams."""
    if exams:
        click.echo(f"{len(exams)} of the exams {what} (the first is '{exams[0]}').", err=True)


def _load(settings: Path) -> StatisticsSettings:
    from analysis.settings import load
    from analysis.statistics.settings import StatisticsSettings

    return load(StatisticsSettings, settings)


COMMANDS: list[click.Command] = [
    evaluate_command,
    compare_command,
    coverage_command,
    false_positives_command,
    sample_size_command,
    audit_command,
]
