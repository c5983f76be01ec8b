"""The commands of this subject."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.options import FILE, NEW_FILE, out, section_file, shared
from analysis.plurals import plural

LABELS = click.Choice(["archive", "readers"])
ASKED = click.option("--asked", type=FILE, multiple=True, help="Queue of a round; one option for each so far.")


def _names(queues: tuple[Path, ...]) -> list[str]:
    from analysis.files import read_table
    from analysis.schemas.active_learning import QUEUE

    return [str(exam) for queue in queues for exam in read_table(queue, QUEUE)["exam"]]


@click.command("ask-start")
@shared("--reference")
@shared("--exams")
@click.option("--labels", type=LABELS, required=True, help="Whether the archive holds them or readers give them.")
@click.option("--number", type=click.IntRange(1), required=True, help="Exams to start from.")
@shared("--seed")
@out("queue.csv", NEW_FILE)
def ask_start(*, reference: Path, exams: Path, labels: str, number: int, seed: int, out: Path) -> None:
    """Draw the exams that are read first, at random."""
    import numpy as np

    from analysis.active_learning.rounds import add_unread, draw_start, hide
    from analysis.files import read_table, write_table
    from analysis.schemas import EXAMS, REFERENCE
    from analysis.schemas.active_learning import QUEUE

    standard = read_table(reference, REFERENCE)
    known = hide(standard, ()) if labels == "archive" else add_unread(standard, read_table(exams, EXAMS))
    queue = draw_start(known, number, np.random.default_rng([seed, 0]))
    write_table(queue, out, QUEUE)
    click.echo(f"{plural(len(queue), 'exam')} to start from.")


@click.command()
@shared("--images")
@shared("--reference")
@shared("--grading")
@shared("--weights")
@section_file("network")
@ASKED
@click.option("--strategy", required=True, help="random, margin, entropy, severity_gap or diversity.")
@click.option("--number", type=click.IntRange(1), required=True, help="Exams to ask for.")
@click.option(
    "--history", type=FILE, multiple=True, help="Predictions of each round so far: stop by their performance."
)
@section_file("active_learning", "--rule", required=False)
@shared("--seed")
@click.option("--round", "number_of_round", type=click.IntRange(1), required=True, help="The round that this is.")
@shared("--workers")
@out("queue.csv; without a row where reading can stop.", NEW_FILE)
def ask(
    *, images: Path, reference: Path, grading: Path, weights: Path, settings: Path, asked: tuple[Path, ...],
    strategy: str, number: int, history: tuple[Path, ...], rule: Path | None, seed: int, number_of_round: int,
    workers: int, out: Path,
) -> None:  # fmt: skip
    """Choose the exams that are read next."""
    import numpy as np

    from analysis.active_learning.ranking import ask as run
    from analysis.active_learning.rounds import make_queue
    from analysis.files import write_table
    from analysis.network.settings import NetworkSettings
    from analysis.schemas.active_learning import QUEUE
    from analysis.settings import load

    if history and rule and _stops(reference, grading, history, rule):
        write_table(make_queue([]), out, QUEUE)
        click.echo("Performance on the validation set no longer improves: reading can stop.")
        return
    queue = run(
        images, reference, grading, weights, load(NetworkSettings, settings),
        strategy=strategy, asked=_names(asked), number=number,  # type: ignore[arg-type]
        rng=np.random.default_rng([seed, number_of_round]), workers=workers,
    )  # fmt: skip
    write_table(queue, out, QUEUE)
    click.echo(f"Round {number_of_round} asks for {plural(len(queue), 'exam')}.")


def _stops(reference: Path, grading: Path, history: tuple[Path, ...], rule: Path) -> bool:
    from analysis.active_learning.curve import judged, performance
    from analysis.active_learning.rounds import stop_round
    from analysis.active_learning.settings import ActiveLearningSettings
    from analysis.files import read_table
    from analysis.grading.scheme import load_scheme
    from analysis.schemas import PREDICTIONS, REFERENCE
    from analysis.settings import load

    settings = load(ActiveLearningSettings, rule)
    outcomes, truth = judged(load_scheme(grading), settings.measure), read_table(reference, REFERENCE)
    done = [performance(truth, read_table(path, PREDICTIONS), outcomes, "validation") for path in history]
    return stop_round(done, settings.tolerance, settings.patience) is not None


@click.command()
@shared("--reference")
@ASKED
@shared("--exams", required=False)
@shared("--readings", required=False)
@click.option(
    "--read", "read_files", type=FILE, multiple=True, help="readings.csv that 'read-export' wrote for a round."
)
@shared("--private", "private_file", required=False)
@shared("--grading")
@section_file("reference", "--policy")
@out("reference.parquet", NEW_FILE)
def label(
    *, reference: Path, asked: tuple[Path, ...], exams: Path | None, readings: Path | None,
    read_files: tuple[Path, ...], private_file: Path | None, grading: Path, policy: Path, out: Path,
) -> None:  # fmt: skip
    """Make the reference standard of a round: of the training exams, only those asked for have labels."""
    from analysis.active_learning.rounds import hide, labelled
    from analysis.files import read_table, write_table
    from analysis.schemas import REFERENCE

    if exams:
        from analysis.active_learning.readings import label_read
        from analysis.grading.scheme import load_scheme
        from analysis.grading.settings import ReferenceSettings
        from analysis.settings import load

        if not (readings and private_file):
            raise click.UsageError("--exams goes with --readings and --private.")
        table = label_read(
            list(read_files), _names(asked), exams, readings, private_file,
            load_scheme(grading), load(ReferenceSettings, policy),
        )  # fmt: skip
    else:
        table = hide(read_table(reference, REFERENCE), _names(asked))
    write_table(table, out, REFERENCE)
    click.echo(f"{int((labelled(table) & (table['set'] == 'training')).sum())} training exams have labels.")


COMMANDS: list[click.Command] = [ask_start, ask, label]
