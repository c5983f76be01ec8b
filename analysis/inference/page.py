"""One self-contained page of graded knees, to be looked through and checked."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np

from analysis.files import atomic
from analysis.grading.scheme import Scheme
from analysis.inference.files import SHOWN
from analysis.inference.grade import MARKS, Graded, decided
from analysis.network.attribution import integrated_gradients, scorer_of
from analysis.network.folder import NOT_A_DEVICE
from analysis.network.overlay import overlay
from analysis.network.settings import AttributionSettings
from analysis.network.trained import Trained

TEMPLATE = Path(__file__).parent / "page.html.jinja"


@dataclass(frozen=True)
class Bar:
    """A score in words, with its size."""

    label: str
    meaning: str
    score: float
    yes: bool | None
    limit: float | None

    @property
    def percent(self) -> str:
        """The score in percent."""
        return f"{100 * self.score:.0f}"


def article(network: Trained, one: Graded, laid: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """Return what the page shows of a knee: pictures with what the grade rests on, bars, words.

    Parameters
    ----------
    network : Trained
    one : Graded
        With its images to look at.
    laid : list of pair of numpy.ndarray
        From `attributed`.
    """
    scheme, outcomes = network.scheme, network.outcomes
    asked = _asked(scheme, one)
    pictures = [
        {
            "plain": jpeg(plain),
            "overlay": jpeg(over),
            "view": view if isinstance(view, str) else "view unknown",
            "file": file,
        }
        for (plain, over), view, file in zip(laid, one.knee.files["view"], one.knee.files["path"], strict=True)
    ]
    yes, scores = decided(network, one.scores), dict(zip(outcomes, one.scores, strict=True))
    limits = network.thresholds["threshold"]
    bars: dict[str, list[Bar]] = {}
    for outcome in scheme.outcomes:
        if np.isnan(scores[outcome.id]):
            continue
        item = scheme.items.get(outcome.item or "")
        meaning = item.levels[outcome.levels[0]] if item and outcome.kind == "grade" else ""
        limit = (
            float(limits[outcome.id])
            if outcome.id in limits.index and limits[outcome.id] == limits[outcome.id]
            else None
        )
        kind = {"grade": item.title if item else "", "group": "Merged grades"}.get(outcome.kind, "Findings")
        bar = Bar(outcome.label, meaning, float(scores[outcome.id]), yes[outcome.id], limit)
        bars.setdefault(kind, []).append(bar)
    return {
        "number": one.number,
        "exam": one.knee.exam,
        "side": one.knee.side or "side unknown",
        "files": list(one.knee.files["path"]),
        "pictures": pictures,
        "asked": scheme.outcome(asked).title,
        "verdicts": verdicts(scheme, one, yes, scores),
        "bars": bars,
        "spread": None if np.isnan(one.spread) else f"{100 * one.spread:.0f}",
        "marks": [(mark, MARKS[mark]) for mark in one.marks],
    }


def verdicts(scheme: Scheme, one: Graded, yes: dict[str, bool | None], scores: dict[str, float]) -> list[str]:
    """Say in sentences what the network found: each item's grade with its meaning, the disease, findings."""
    found = []
    for name, level in one.grades.items():
        if level is not None:
            item = scheme.items[name]
            found.append(
                f"{item.title} {level}: {item.levels[level]} ({100 * scores[f'{name}_{level}']:.0f}% of the network's weight)."
            )
    if scheme.disease and yes.get("disease") is not None:
        found.append(f"{scheme.disease.title}: {'yes' if yes['disease'] else 'no'}.")
    others = [o.title for o in scheme.outcomes if o.kind in ("location", "finding", "implant") and yes.get(o.id)]
    if others:
        found.append(f"Above its threshold: {', '.join(others)}.")
    return found


def _asked(scheme: Scheme, one: Graded) -> str:
    """Return the outcome that the attribution is of: the first item's grade, or the likeliest outcome."""
    for name, level in one.grades.items():
        if level is not None:
            return f"{name}_{level}"
    return scheme.outcomes[int(np.nanargmax(one.scores))].id


def attributed(network: Trained, one: Graded, settings: AttributionSettings) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return each image as it is looked at and with what adds to the score laid over it, RGB of SHOWN pixels."""
    outcome = network.outcomes.index(_asked(network.scheme, one))
    exam = np.zeros(len(one.images), int)
    left = np.full(len(one.images), one.knee.side == "left")
    batch = network.batch(one.images, exam, left)
    for member in network.members:
        member.requires_grad_(False)
    maps, _, _ = integrated_gradients(scorer_of(network.members, network.asked, outcome), batch.images[:, 0], settings)
    if network.settings.align_sides and one.knee.side == "left":
        maps = maps[:, :, ::-1]  # the network saw it mirrored
    shown = np.stack(one.shown).astype(np.float32) / 255
    laid = overlay(shown, maps)
    # The pictures of an exam stand side by side, plain above and overlaid below.
    step, below = (
        laid.shape[1] // len(maps)
        if len(maps) == 1
        else SHOWN + (laid.shape[1] - len(maps) * SHOWN) // (len(maps) - 1),
        laid.shape[0] - SHOWN,
    )
    return [
        (laid[:SHOWN, i * step : i * step + SHOWN], laid[below:, i * step : i * step + SHOWN]) for i in range(len(maps))
    ]


def jpeg(picture: np.ndarray) -> str:
    """Return a picture, RGB, as the address of an image that holds itself."""
    coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode()


def write_page(
    articles: Iterable[dict[str, Any]],
    path: Path,
    *,
    title: str,
    lead: str,
    total: int,
    pages: Iterable[dict[str, Any]] = (),
) -> None:
    """Write a page.

    Parameters
    ----------
    articles : iterable of dict
        From `article`.
    path : Path
    title, lead : str
        Heading, and a sentence below it.
    total : int
        Number of articles.
    pages : iterable of dict
        Where there are several: `name` of each, and whether it is `here`.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    told = {"pages": list(pages), "warning": NOT_A_DEVICE}
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(template.generate(articles=iter(articles), title=title, lead=lead, total=total, **told))
