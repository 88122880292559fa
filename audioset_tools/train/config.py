"""How to train: one frozen dataclass, the defaults being the paper's."""

from dataclasses import dataclass, fields, replace

from ..exceptions import UsageError
from .augment import AUGMENTATIONS
from .baselines import CLASSICAL
from .networks import MODELS

NOT_IN_NAME = ("name", "device")

OF_BASELINES = ("model", "seed", "device", "shards", "name")
"""Settings that the classical baselines have; they compute on the CPU, whatever the device."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train; the defaults are the paper's (sections 4 and 5).

    Args:
        model: one of `MODELS` or `CLASSICAL`; these take seed, shards and name, and nothing else.
        filters: of each convolution of the paper's networks; None for the model's own.
        batch_size: clips of a step.
        lr: Adam's learning rate; None for the model's own.
        epochs: how many at most.
        patience: stop after so many epochs without a better validation macro-F1.
        seed: decides the first weights, the order of the clips, dropout and augmentation.
        augment: which of `AUGMENTATIONS` to apply to the training clips, in this order.
        device: auto, cpu, cuda or mps.
        shards: which folder of shards, if there are several.
        name: of the run; None for one made of what differs from the defaults.

    Raises:
        UsageError: a value is impossible.
    """

    model: str = "paper"
    filters: tuple[int, ...] | None = None
    batch_size: int = 128
    lr: float | None = None
    epochs: int = 15
    patience: int = 5
    seed: int = 0
    augment: tuple[str, ...] = ()
    device: str = "auto"
    shards: str | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if self.model not in (*MODELS, *CLASSICAL):
            raise UsageError(
                f"no model {self.model!r}", f"Choose one of {', '.join([*MODELS, *CLASSICAL])}, or all."
            )
        if self.model in CLASSICAL:
            other = [field for field in fields(self) if field.name not in OF_BASELINES]
            if wrong := [field.name for field in other if getattr(self, field.name) != field.default]:
                raise UsageError(f"the baseline {self.model} has no {wrong[0]}", "Leave that option out.")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise UsageError(f"no device {self.device!r}", "Choose auto, cpu, cuda or mps.")
        if self.filters is not None:
            if MODELS[self.model].filters is None:
                raise UsageError(f"the model {self.model} has filters of its own", "Leave the filters out.")
            if not self.filters or min(self.filters) < 1:
                raise UsageError(f"no network with filters {self.filters}", "Give counts of at least 1.")
        for field in ("batch_size", "epochs", "patience"):
            if getattr(self, field) < 1:
                raise UsageError(f"{field} is {getattr(self, field)}", "Give at least 1.")
        if self.seed < 0:
            raise UsageError(f"seed is {self.seed}", "Give a seed of 0 or more.")
        if self.lr is not None and not 0 < self.lr < float("inf"):
            raise UsageError(f"lr is {self.lr}", "Give a learning rate above 0.")
        unknown = [name for name in self.augment if name not in AUGMENTATIONS]
        if unknown or len(set(self.augment)) < len(self.augment):
            raise UsageError(
                f"no augmentation {', '.join(unknown or self.augment)}",
                f"Choose each at most once: {', '.join(AUGMENTATIONS)}.",
            )
        if self.name is not None and (not self.name or self.name[0] == "." or "/" in self.name):
            raise UsageError(f"{self.name!r} cannot name a run", "Give a plain folder name with --name.")

    def for_model(self, model: str) -> "TrainConfig":
        """The same settings for another model, as far as it has them."""
        if model in MODELS:
            return replace(self, model=model)
        return TrainConfig(model, seed=self.seed, device=self.device, shards=self.shards, name=self.name)

    @property
    def learning_rate(self) -> float:
        """The one given, else the model's own."""
        return MODELS[self.model].lr if self.lr is None else self.lr

    @property
    def run_name(self) -> str:
        """What the run is called: its name, or the model and whatever differs from the defaults."""
        if self.name is not None:
            return self.name
        differing = [
            f"{field.name}={_short(getattr(self, field.name))}"
            for field in fields(self)
            if field.name not in ("model", *NOT_IN_NAME) and getattr(self, field.name) != field.default
        ]
        return ",".join([self.model, *differing])


def _short(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)
