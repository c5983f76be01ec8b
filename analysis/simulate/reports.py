"""Short Swedish reports, as a radiologist who sees most but not all would dictate them."""

from __future__ import annotations

from numpy.random import Generator

from analysis.simulate.anatomy import Knee, grades
from analysis.simulate.population import PlannedExam
from analysis.simulate.settings import ReaderSettings

SIDES = {"right": "höger", "left": "vänster"}
PLACES = {"medial": "medialt", "lateral": "lateralt", "even": "medialt och lateralt"}
IMPLANT_TEXT = {
    "tka": "Status post total knäprotes i gott läge utan lossningstecken.",
    "uka": "Unikompartmentell protes medialt, oförändrat läge.",
    "plate": "Osteosyntes med platta och skruvar, intakt.",
    "im_nail_femur": "Märgspik i femur.",
    "im_nail_tibia": "Märgspik i tibia.",
    "cerclage": "Cerclage kring femurdiafysen.",
    "k_wires": "K-trådar på plats.",
    "staple": "Märla i proximala tibia.",
    "x_fix": "Extern fixation.",
    "screws": "Skruvosteosyntes.",
    "x_ligament": "Tillstånd efter korsbandsrekonstruktion med fixation i femur och tibia.",
}
FRACTURE_TEXT = {
    "fracture_femur": "Fraktur i distala femur",
    "fracture_tibia": "Tibiaplatåfraktur",
    "fracture_patella": "Patellafraktur",
}


def _one(rng: Generator, *texts: str) -> str:
    return texts[int(rng.integers(len(texts)))]


def report(rng: Generator, exam: PlannedExam, knee: Knee, settings: ReaderSettings) -> str:
    """Dictate the report of one exam.

    Returns
    -------
    str
        One line of Swedish, with negations as real reports have them.
    """
    side = SIDES[exam.side]
    if exam.kind == "no_knee":
        return _one(
            rng, f"{side.capitalize()} fotled. Ingen skelettskada.", f"{side.capitalize()} hand: inga frakturer."
        )
    head = f"{side.capitalize()} knä" + {
        "weight_bearing": ", stående belastade bilder.",
        "trauma": ", akut undersökning.",
        "femur": " och femur.",
        "tibia": " och underben.",
    }.get(exam.protocol, ".")
    if exam.kind == "unusable":
        return f"{head} Undersökningen är rörelsestörd och kan ej bedömas, bör göras om."
    seen = grades(knee)
    parts = [head]
    parts += [IMPLANT_TEXT[name] for name in knee.implants if rng.random() < 0.97]
    for name in knee.fractures:
        where = _one(rng, "utan nämnvärd felställning", "med lätt dislokation", "med intraartikulär utbredning")
        parts.append(f"{FRACTURE_TEXT[name]} {where}.")
    if exam.cast:
        parts.append("Undersökt i gips.")
    if exam.protocol == "trauma" and not knee.fractures:
        parts.append(_one(rng, "Ingen fraktur.", "Inga skelettskador.", "Ingen säker fraktur, hydrops."))
    parts.append(_arthrosis(rng, exam, seen["kl"], "tka" in knee.implants, settings))
    if seen["patella"] and rng.random() < settings.report_sensitivity:
        parts.append("Uttalad femoropatellär artros med osteofyter.")
    if seen["osteonecrosis"] and rng.random() < settings.subtle_sensitivity:
        parts.append(_one(rng, "Subkondral uppklarning i mediala femurkondylen, misstänkt osteonekros.",
                          "Bild som vid osteonekros i mediala femurkondylen."))  # fmt: skip
    return " ".join(part for part in parts if part)


def _arthrosis(rng: Generator, exam: PlannedExam, kl: int, replaced: bool, settings: ReaderSettings) -> str:
    if replaced:
        return _one(rng, "", "Tidigare gonartros, nu protesförsörjd.", "Protes insatt på grund av artros.")
    place = PLACES[exam.location]
    if kl >= 2 and rng.random() > settings.report_sensitivity:
        kl = 0
    if kl == 0:
        return _one(rng, "Ingen artros.", "Inga degenerativa förändringar.", "Normala ledspringor.", "Normalt skelett.",
                    "Inga tecken till artros, ledytorna är jämna.", "Ua.")  # fmt: skip
    if kl == 1:
        return _one(rng, "Lätt tillspetsning av eminentia, ingen säker artros.", "Möjlig diskret ledspringesänkning.",
                    "Små osteofyter, i övrigt normalt.", "Åldersförenliga förändringar.",
                    "Ingen säker ledspringesänkning.")  # fmt: skip
    if kl == 2:
        return _one(rng, f"Lindrig gonartros med osteofyter {place}.", f"Osteofyter {place}, lätt broskreduktion.",
                    "Måttliga degenerativa förändringar.")  # fmt: skip
    if kl == 3:
        return _one(rng, f"Gonartros med ledspringesänkning {place} och osteofyter.",
                    f"Måttlig artros, sänkt ledspringa {place}, osteofyter.",
                    f"Broskreduktion {place} och subkondral skleros, artros grad I-II enligt Ahlbäck.")  # fmt: skip
    return _one(rng, f"Uttalad gonartros med upphävd ledspringa {place}, subkondral skleros och grova osteofyter.",
                f"Grav artros {place}, Ahlbäck III, med attrition.",
                f"Höggradig gonartros. Upphävd ledspringa {place}.")  # fmt: skip
