"""One step of training: the loss of a batch, the optimiser's move, and the average of the weights that follows it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from analysis.network.data import Task
from analysis.network.devices import Device
from analysis.network.distributed import world
from analysis.network.feeding import Batch, Labels
from analysis.network.form.architecture import KneeNet
from analysis.network.form.losses import elementwise
from analysis.network.settings import PhaseSettings, TrainingSettings
from analysis.network.training.average import MovingAverage


def optimiser(network: nn.Module, settings: TrainingSettings, rate: float = 1.0) -> torch.optim.Optimizer:
    """Make what moves a network's weights, as the settings say, with a learning rate to begin with."""
    if settings.optimiser == "sgd":
        return torch.optim.SGD(network.parameters(), lr=rate, momentum=settings.momentum)
    # ASSUME: squares are averaged over 100 steps, since a phase of the default study has but some hundred.
    return torch.optim.AdamW(network.parameters(), lr=rate, betas=(settings.momentum, 0.99))


class Optimisation:
    """What moves a network's weights, step by step.

    Parameters
    ----------
    network : KneeNet
    model : torch.nn.Module
        The network as batches go through it: compiled, or one of several processes.
    settings : TrainingSettings
    device : Device

    Attributes
    ----------
    steps : int
        Taken so far.
    """

    def __init__(self, network: KneeNet, model: nn.Module, settings: TrainingSettings, device: Device) -> None:
        self.network, self.model, self.settings, self.device = network, model, settings, device
        self.average = MovingAverage(network, settings.average) if settings.average else None
        self.optimiser = optimiser(network, settings)
        self.steps = 0

    @property
    def kept(self) -> KneeNet:
        """The network that is validated and kept: the averaged one where there is one."""
        return self.network if self.average is None else self.average.network

    def step(self, task: Task, batch: Batch, labels: Labels, rate: float, phase: PhaseSettings) -> Tensor:
        """Take one step of the optimiser; return the loss over all processes, detached."""
        with self.device.autocast():
            logits, views = self.model(*batch.inputs, task.name, batch.mirrored)
        t = self.settings
        each = elementwise(task.layout, t.loss, logits, labels.grades, labels.binary, t.margin, t.smoothing)
        loss = (each * labels.weights).sum()
        if t.view_weight:
            view = F.cross_entropy(views.float(), labels.view, reduction="none")
            loss = loss + (view * labels.view_weights).sum()
        group = self.optimiser.param_groups[0]
        # ASSUME: the weight decay is a share of the learning rate (1/200 in the authors' public trainer, of the current).
        decayed = rate if t.weight_decay_of == "current" else phase.learning_rate
        group["lr"], group["weight_decay"] = rate, decayed * t.weight_decay
        self.optimiser.zero_grad(set_to_none=True)
        (loss * world()[1]).backward()  # several processes' gradients are averaged, one's are a sum
        if t.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), t.clip)
        self.optimiser.step()
        self.steps += 1
        if self.average is not None:
            self.average.follow(self.steps)
        loss = loss.detach()
        if world()[1] > 1:
            torch.distributed.all_reduce(loss)
        return loss

    def state(self) -> dict[str, Any]:
        """Return what a run that goes on needs of it."""
        return {
            "steps": self.steps,
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict() if self.average is not None else None,
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned."""
        self.network.load_state_dict(state["network"])
        if self.average is not None:
            self.average.network.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps = state["steps"]
