"""Settings of the network: its form, its training, and what is asked about its decisions."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from analysis.network.augmentation import AugmentationSettings, setting
from analysis.network.augmentation.base import Share
from analysis.network.augmentation.grey import Erase, Noise
from analysis.settings import Seed, Settings

#: The name of the paper's own network.
PAPER = "olsson2021"
#: The settings that weights depend on: others may change between training and prediction.
FORM = (
    "backbone", "backbone_options", "width", "groups", "band", "reduction", "hidden", "pool", "grades", "align_sides",
)  # fmt: skip
#: Those that features depend on.
TRUNK = ("backbone", "backbone_options", "width", "groups")


class GroupSettings(Settings):
    """A row of the paper's Table 1: residual blocks of one width, then a pool that halves the image."""

    blocks: int = Field(ge=1, description="residual blocks of two 3x3 convolutions each")
    filters: int = Field(ge=1, description="filters as a multiple of `width`")
    part: Literal["image", "core"] = Field(
        default="core", description="its row in Table 1: image, or core shared by all tasks"
    )


TABLE_1 = (
    GroupSettings(blocks=1, filters=1, part="image"),
    GroupSettings(blocks=1, filters=1, part="image"),
    GroupSettings(blocks=6, filters=1),
    GroupSettings(blocks=4, filters=2),
    GroupSettings(blocks=2, filters=4),
    GroupSettings(blocks=2, filters=8),
)


class PhaseSettings(Settings):
    """A stretch of training with one cosine of the learning rate."""

    epochs: int = Field(ge=1, description="passes over the training exams")
    learning_rate: float = Field(gt=0, description="at the phase's start; it falls by a quarter of a cosine")
    falls_to: float = Field(
        default=0, ge=0, description="learning rate at the phase's end; the next phase can go on from there"
    )
    warm_up: int = Field(default=0, ge=0, description="first of these epochs in which the rate rises from 0, by step")
    side: int | None = Field(
        default=None, ge=8, description="pixels that images are reduced to in this phase; null: as they were prepared"
    )
    noise: Share = setting(Noise, "noise")
    erase: int = setting(Erase, "erase")

    @model_validator(mode="after")
    def _rises_in_time(self) -> PhaseSettings:
        if self.warm_up > self.epochs:
            raise ValueError("warm_up is longer than the phase has epochs")
        if self.falls_to > self.learning_rate:
            raise ValueError("falls_to is above learning_rate; within a phase the rate falls")
        return self

    def rate(self, epoch: float) -> float:
        """Give the learning rate at a time of the phase, from 0 to `epochs`."""
        # ASSUME: a quarter of a cosine for each phase (authors' public trainer, there in steps of an epoch).
        risen = min(1.0, epoch / self.warm_up) if self.warm_up else 1.0
        fall = self.learning_rate - self.falls_to
        return risen * (self.falls_to + fall * math.cos(math.pi / 2 * epoch / self.epochs))


class TrainingSettings(Settings):
    """How the network learns."""

    expert = (
        "momentum",
        "weight_decay",
        "weight_decay_of",
        "clip",
        "noise_share",
        "erase_size",
        "loss",
        "margin",
        "smoothing",
        "class_weights",
        "findings_weight",
        "findings_share",
        "view_weight",
        "task_every",
        "average",
        "keep_window",
        "tensorboard",
    )

    phases: tuple[PhaseSettings, ...] = Field(
        (
            PhaseSettings(epochs=14, learning_rate=0.002, falls_to=0.001, warm_up=1, side=48),
            PhaseSettings(epochs=8, learning_rate=0.001, noise=0.05, erase=3),
        ),
        min_length=1,
        description="small images first, which cost a quarter of large ones, so that each seed has the steps that it takes to "
        "begin to learn; the paper has two phases at full size",
    )
    batch: int = Field(default=32, ge=1, description="image passes (images x jitters) in a step, whole exams packed")
    jitters: int = Field(default=1, ge=1, description="variations of each image in a step, joined by the max pool")
    optimiser: Literal["sgd", "adamw"] = Field(
        "adamw",
        description="adamw leaves the first epochs, in which nothing is learnt, behind in a third of the steps, at a tenth of "
        "the rate; sgd: stochastic gradient descent, as the paper",
    )
    momentum: float = Field(
        default=0.9, ge=0, lt=1, description="of stochastic gradient descent (authors' public trainer)"
    )
    weight_decay: float = Field(default=0.005, ge=0, description="as a share of a learning rate (1/200, trainer)")
    weight_decay_of: Literal["phase", "current"] = Field(
        "phase", description="that learning rate: the phase's at its start, or the current one, which falls (trainer)"
    )
    clip: float | None = Field(
        default=None, gt=0, description="largest norm of the gradient; null: not clipped, as the paper"
    )
    noise_share: Share = setting(Noise, "noise_share")
    erase_size: int = setting(Erase, "erase_size")
    loss: Literal["cross_entropy", "hinge"] = Field(
        "cross_entropy", description="of the yes-or-no outputs; the authors' trainer used the hinge"
    )
    margin: float = Field(
        default=1.0,
        gt=0,
        description="margin of the hinge loss; the authors' trainer uses 0.42, which is log(0.7 / 0.3) / 2",
    )
    smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of a grade's label that its neighbours get in training, half each; ordinal and softmax alone",
    )
    class_weights: Literal["none", "root", "inverse"] = Field(
        "root", description="weight of a class by its frequency, none, 1/sqrt or 1/n (trainer: inverse)"
    )
    findings_weight: float = Field(
        0.4,
        ge=0,
        description="weight of the findings' mean loss beside that of the grades, 1 in all; 0: findings are not learnt, and "
        "have no score",
    )
    findings_share: Literal["equal", "deviation", "variance"] = Field(
        "deviation",
        description="a finding's share of it: equal, or by the standard deviation or the variance of its answers, so that rare "
        "ones, which teach little, weigh less (trainer: variance, 2 p (1 - p))",
    )
    view_weight: float = Field(default=0.1, ge=0, description="weight of the loss of the image's view")
    task_every: int = Field(
        3, ge=1, description="steps of the grading between two of a further task; 1 alternates, as the paper"
    )
    empty_levels: Literal["error", "skip"] = Field(
        "error", description="what to do when no training exam has some level of a grade: stop, or say so and go on"
    )
    average: float = Field(
        default=0.98,
        ge=0,
        lt=1,
        description="decay by step of the averaged weights that are kept; 0: none, as the paper",
    )
    augmentation: AugmentationSettings = AugmentationSettings()
    keep: Literal["best", "last"] = Field(
        "best", description="weights kept: the epoch with the best mean AUC on validation, or the last"
    )
    keep_window: int = Field(
        default=3, ge=1, description="epochs over which validation's AUC is averaged before choosing"
    )
    tensorboard: bool = Field(default=False, description="also write TensorBoard events beside the weights")

    @model_validator(mode="after")
    def _images_grow(self) -> TrainingSettings:
        sides = [phase.side or math.inf for phase in self.phases]
        if sides != sorted(sides) or sides[-1] != math.inf:
            raise ValueError("phases' images can only grow, and the last phase sees them as prepared (side: null)")
        return self


class PredictionSettings(Settings):
    """How trained networks score exams; what changes here trains nothing again."""

    mirrored: bool = Field(
        default=False, description="average the scores of each image and of its mirror image; costs twice the time"
    )
    calibration: Literal["temperature", "none"] = Field(
        "temperature",
        description="scores made less or more certain, as fits the validation set; seeds.parquet keeps them as they were",
    )


class NetworkSettings(Settings):
    """The network of the paper; the defaults are those of the default study."""

    expert = ("groups", "reduction", "hidden", "pool", "precision", "compile")

    trained: str | None = Field(
        default=None,
        description="folder of a network that was trained elsewhere (the card of its study), which this archive then "
        "judges: nothing is trained, and what scores depend on is as the network has it; null: train",
    )
    seeds: tuple[Seed, ...] = Field(
        default=(0, 1, 2), min_length=1, description="one network is trained for each; they are averaged"
    )
    tasks: tuple[str, ...] = Field(
        default=("fracture",), description="further schemes that share the core, trained in turn"
    )
    weights: str | None = Field(
        default=None, description="safetensors file to start from; null: at random, as the paper"
    )
    backbone: str = Field(
        default=PAPER,
        pattern=rf"^({PAPER}|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*)$",
        description="what makes features of an image: the paper's network, olsson2021; or package.module:function, which "
        "returns any torch module from images (n, 1, side, side) to features (n, filters, height, width)",
    )
    backbone_options: dict[str, Any] = Field(
        default={}, description="keyword arguments of that function; the paper's network is built of width and groups"
    )
    width: int = Field(default=16, ge=4, description="filters of the paper's first group; 64 in the paper")
    groups: tuple[GroupSettings, ...] = Field(
        default=TABLE_1, min_length=1, description="Table 1 of the paper, row by row"
    )
    band: tuple[Share, Share] | None = Field(
        default=None,
        description="part of an image's height that is looked at, from above: [0.3, 0.8] where all images show the joint there; "
        "null: all of it, as the paper",
    )
    reduction: int = Field(default=72, ge=1, description="filters of the 1x1 convolution (Table 1)")
    hidden: int = Field(default=64, ge=1, description="units between the two fully connected layers")
    pool: Literal["features", "scores"] = Field(
        "features", description="what is pooled over an exam's images: features (Table 1) or scores (trainer)"
    )
    align_sides: bool = Field(
        default=True,
        description="show left knees mirrored, so that medial is always on one side, and read the medial and the lateral half "
        "of the features apart, as the location of disease needs; paper: no",
    )
    grades: Literal["one-vs-rest", "softmax", "ordinal"] = Field(
        "softmax",
        description="how grades are learnt: softmax, as alternatives; ordinal, in their order; one-vs-rest, each grade and merged "
        "grade by itself, as in the paper",
    )
    training: TrainingSettings = TrainingSettings()
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: a GPU where there is one")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 where the processor multiplies it (AMX, AVX512_BF16, a GPU), else float32"
    )
    compile: bool = Field(default=False, description="torch.compile; pays on a GPU over many epochs")

    @model_validator(mode="after")
    def _consistent(self) -> NetworkSettings:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds must differ")
        if len(set(self.tasks)) != len(self.tasks):
            raise ValueError("tasks must differ")
        if self.band and self.band[0] >= self.band[1]:
            raise ValueError("band goes from above to below: its first number is the smaller one")
        parts = [group.part for group in self.groups]
        if parts != sorted(parts, reverse=True):
            raise ValueError("groups of part image come before those of part core")
        if self.training.smoothing and self.grades == "one-vs-rest":
            raise ValueError(
                "smoothing shares a grade's label with its neighbours, so it needs grades: ordinal or softmax"
            )
        if self.align_sides and self.training.augmentation.quarter_turn:
            raise ValueError(
                "align_sides tells the medial from the lateral half of an image, which quarter_turn turns up and down; set one of "
                "them to false or 0"
            )
        return self
