"""The network and its training, in words."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from analysis.machine import processor
from analysis.network.chosen_augmentations import of_phase, sentence
from analysis.network.form.structure import read_computed, read_structure
from analysis.network.settings import PAPER, NetworkSettings, PhaseSettings, TrainingSettings
from analysis.presentation.format import NOT_ESTIMABLE, count, counted, listed
from analysis.presentation.results import Results
from analysis.settings import parse


def network_noun(network: Mapping[str, Any]) -> str:
    """Name the kind of network, or of their ensemble, for a title: what another's module is made of isn't known."""
    kind = "convolutional network" if network["backbone"] == PAPER else "neural network"
    return f"an ensemble of {kind}s" if len(network["seeds"]) > 1 else f"a {kind}"


def network_values(results: Results, config: Mapping[str, Any], published: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values under `network`: its kind and size, how it was trained, and how it is less than the published.

    Parameters
    ----------
    results : Results
    config : mapping
        The whole configuration as resolved.
    published : mapping
        Numbers of the published study.
    """
    settings = parse(NetworkSettings, config["network"], "the configuration's section network")
    phases, residual = settings.training.phases, settings.backbone == PAPER
    blocks = sum(group.blocks for group in settings.groups)
    epochs = sum(phase.epochs for phase in phases)
    less = [
        words
        for words, own, theirs in (
            ("fewer filters", settings.width if residual else published["width"], published["width"]),
            ("smaller images", config["images"]["size"], published["size"]),
            ("fewer epochs of training", epochs, published["epochs"]),
            ("fewer exams to learn from", _learnt_from(results), published["training"]),
        )
        if own < theirs
    ]
    known = results.weights is not None
    kind, seeds = "residual convolutional network" if residual else "neural network", len(settings.seeds)
    computed = read_computed(results.weights) if results.weights else {}
    trained = sum(row.parameters for row in read_structure(results.weights)) if results.weights else 0
    return {
        "residual": residual,
        "own": not residual,
        "kind": f"A {kind}",
        "who": f"An ensemble of {counted(seeds, kind)}" if seeds > 1 else f"A {kind}",
        "trained": f"An ensemble of {counted(seeds, 'network')}" if seeds > 1 else "A network",
        "backbone": f"`{settings.backbone}`",
        "parameters": count(trained) if known else NOT_ESTIMABLE,
        "parameters_known": known,
        "computed": _computed(computed) if computed else NOT_ESTIMABLE,
        "elsewhere": bool(computed) and computed["processor"] != processor() and computed["instructions"] != "CUDA",
        "here": processor(),
        "blocks": count(blocks),
        "layers": count(2 * blocks + 3),
        "width": count(settings.width),
        "widest": count(settings.width * max(group.filters for group in settings.groups)),
        "epochs": count(epochs),
        "phases": count(len(phases)),
        "several_phases": len(phases) > 1,
        "schedule": "; then ".join(_phase(settings.training, phase) for phase in phases),
        "variation": sentence(settings.training),
        "band": " to ".join(f"{100 * share:g}%" for share in settings.band or (0, 1)),
        "averaged": settings.training.average > 0,
        "window": _window(settings.training.keep_window),
        "seeds": count(seeds),
        "ensemble": seeds > 1,
        "alone": seeds == 1,
        "tasks": counted(len(settings.tasks), "further task"),
        "any_tasks": len(settings.tasks) > 0,
        "less": listed(less) or "nothing less",
        "any_less": len(less) > 0,
    }


def _learnt_from(results: Results) -> int:
    """Count the exams that the network was trained on, here or elsewhere."""
    if not results.origin:
        return int((results.exams["set"] == "training").sum())
    frame = results.developed
    frame = frame[(frame["set"] == "training") & (frame["characteristic"] == "exams")]
    return int(frame["n"].iloc[0]) if len(frame) else sys.maxsize  # not known: no word of fewer


def _computed(by: Mapping[str, Any]) -> str:
    """Describe by what processor a network was trained, in a clause."""
    instructions = "" if by["instructions"] in ("CUDA", "DEFAULT", "NO AVX") else f" with {by['instructions']}"
    threads = "" if by["instructions"] == "CUDA" else f" and {counted(int(by['threads']), 'thread')}"
    kind = "GPU" if by["instructions"] == "CUDA" else "processor"
    return f"a {kind} of the kind {by['processor']}{instructions}, in {by['precision']}{threads}"


def _window(epochs: int) -> str:
    """Say over which epochs the validation set's AUC is averaged before one is chosen; nothing where over one."""
    before = {1: "", 2: "the one before"}.get(epochs, f"the {epochs - 1} before")
    return f" (averaged over that epoch and {before})" if before else ""


def _phase(training: TrainingSettings, phase: PhaseSettings) -> str:
    """Describe one phase of the training in a clause."""
    reduced = f" on images reduced to {phase.side} pixels," if phase.side else ""
    text = f"{counted(phase.epochs, 'epoch')}{reduced} from a learning rate of {phase.learning_rate:g}"
    went = []
    if phase.warm_up:
        went.append(f"rose over {'the first epoch' if phase.warm_up == 1 else f'the first {phase.warm_up} epochs'}")
    if phase.falls_to:
        went.append(f"fell to {phase.falls_to:g}")
    if went:
        text += f" that {' and '.join(went)}"
    if own := of_phase(training, phase):
        return f"{text} with {listed(own)}"
    others = [of_phase(training, other) for other in training.phases]
    return f"{text}, without noise or erased blocks" if any(others) else text
