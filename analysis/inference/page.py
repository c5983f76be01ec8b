"""One self-contained page of exams with what a network says of them, to be looked through and checked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from torch import Tensor

from analysis.files import atomic
from analysis.grading.scheme import Scheme
from analysis.network.decisions.attribution import integrated_gradients, scorer_of
from analysis.network.decisions.overlay import SIDE, lay
from analysis.network.decisions.settings import AttributionSettings
from analysis.network.form.architecture import KneeNet
from analysis.network.form.heads import Asked
from analysis.network.trained.folder import NOT_A_DEVICE

TEMPLATE = Path(__file__).parent / "page.html.jinja"
#: How closely attributions should add up, and how often the steps are doubled for it: less than for a figure, since
#: these are for a look at hundreds of knees.
QUICK, DOUBLINGS = AttributionSettings(steps=16, tolerance=0.1), 2
#: An image, RGB of SIDE pixels, plain and with its attribution.
Pair = tuple[np.ndarray, np.ndarray]


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
        return percent(self.score) or ""


def pictures(
    laid: Iterable[Pair], views: Iterable[Any], files: Iterable[str], side: int = SIDE
) -> list[dict[str, str]]:
    """Return what the page shows of an exam's images, each of so many pixels: plain and with what the grade rests on."""
    return [
        {
            "plain": jpeg(plain, side),
            "overlay": jpeg(over, side),
            "view": view if isinstance(view, str) else "view unknown",
            "file": file,
        }
        for (plain, over), view, file in zip(laid, views, files, strict=True)
    ]


def told(
    scheme: Scheme, scores: Mapping[str, float], limits: Mapping[str, float], grades: Mapping[str, int | None]
) -> dict[str, Any]:
    """Return what the network says of an exam, as sentences (`verdicts`) and as bars by kind (`bars`).

    Parameters
    ----------
    scheme : Scheme
    scores : mapping of str to float
        By outcome; missing for one that was never learnt.
    limits : mapping of str to float
        From which score on the answer is yes; missing where there is no threshold.
    grades : mapping of str to int or None
        The grade of each item.
    """
    bars: dict[str, list[Bar]] = {}
    yes = {
        name: None if np.isnan(limits.get(name, np.nan)) or np.isnan(score) else bool(score >= limits[name])
        for name, score in scores.items()
    }
    for outcome in scheme.outcomes:
        if np.isnan(scores[outcome.id]):
            continue
        item = scheme.items.get(outcome.item or "")
        meaning = item.levels[outcome.levels[0]] if item and outcome.kind == "grade" else ""
        limit = None if yes[outcome.id] is None else float(limits[outcome.id])
        kind = {"grade": item.title if item else "", "group": "Merged grades"}.get(outcome.kind, "Findings")
        bar = Bar(outcome.label, meaning, float(scores[outcome.id]), yes[outcome.id], limit)
        bars.setdefault(kind, []).append(bar)
    return {"verdicts": verdicts(scheme, grades, yes, scores), "bars": bars}


def verdicts(
    scheme: Scheme, grades: Mapping[str, int | None], yes: Mapping[str, bool | None], scores: Mapping[str, float]
) -> list[str]:
    """Say in sentences what the network found: each item's grade with its meaning, the disease, findings."""
    found = []
    for name, level in grades.items():
        if level is not None:
            item, weight = scheme.items[name], percent(scores[f"{name}_{level}"])
            found.append(f"{item.title} {level}: {item.levels[level]} ({weight}% of the network's weight).")
    if scheme.disease and yes.get("disease") is not None:
        found.append(f"{scheme.disease.title}: {'yes' if yes['disease'] else 'no'}.")
    others = [o.title for o in scheme.outcomes if o.kind in ("location", "finding", "implant") and yes.get(o.id)]
    if others:
        found.append(f"Above its threshold: {', '.join(others)}.")
    return found


def explained(
    members: list[KneeNet], asked: Asked, outcome: int, seen: Tensor, shown: np.ndarray, mirrored: np.ndarray
) -> list[Pair]:
    """Return each image of an exam as it is looked at, and with what adds to a score laid over it.

    Parameters
    ----------
    members : list of KneeNet
    asked : Asked
    outcome : int
        Position of the outcome in the scheme.
    seen : Tensor of float, shape (images, side, side)
        The images as the network takes them.
    shown : numpy.ndarray of uint8, shape (images, side, side)
        The images to look at, of any size.
    mirrored : numpy.ndarray of bool, shape (images,)
        Which images the network takes mirrored.
    """
    for member in members:
        member.requires_grad_(False)
    maps, _, _ = integrated_gradients(scorer_of(members, asked, outcome), seen, QUICK, DOUBLINGS)
    maps = np.where(mirrored[:, None, None], maps[:, :, ::-1], maps)
    return lay(shown.astype(np.float32) / 255, maps)


def percent(share: float) -> str | None:
    """Return a share in whole percent; None where it is missing."""
    return None if np.isnan(share) else f"{100 * share:.0f}"


def jpeg(picture: np.ndarray, side: int) -> str:
    """Return a picture, RGB, reduced to a side of so many pixels, as the address of an image that holds itself."""
    if len(picture) > side:
        picture = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode()


def write_page(articles: Iterable[dict[str, Any]], path: Path, **words: Any) -> None:
    """Write a page.

    Parameters
    ----------
    articles : iterable of dict
        As `analysis.inference.shown.article` gives them; each is written before the next one is asked for.
    path : Path
    **words
        `title` and `lead`, the heading and a sentence below it; `look`, what an article is called that should be looked
        at (its key `look`); `pages`, where there are several: `name` and `label` of each, and whether it is `here`; and
        `matrix`, the table whose cells choose articles by their key `cell`, or None.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(template.generate(articles=map(_known, articles), warning=NOT_A_DEVICE, **words))


def _known(one: dict[str, Any]) -> dict[str, Any]:
    """Add what a browser knows an article by: all that is shown but its number, which another exam may have next time."""
    shown = repr({key: value for key, value in one.items() if key != "number"})
    return {**one, "known": hashlib.sha256(shown.encode("utf-8", "surrogateescape")).hexdigest()[:16]}
