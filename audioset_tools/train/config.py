"""How to train: one frozen dataclass, the defaults being the paper's."""

from dataclasses import dataclass, fields, replace

from ..exceptions import UsageError
from .augment import AUGMENTATIONS
from .baselines import CLASSICAL
from .networks import LITERAL_LR, MODELS, Hyperparameters

NOT_IN_NAME = ("name", "device", "threads")

LEAST_STEPS, LEAST_BATCH = 25, 8
"""Steps of an epoch for which batches get smaller, and how small they get."""

OF_BASELINES = ("model", "seed", "device", "threads", "shards", "name")
"""Settings that the classical baselines have; they compute on the CPU, whatever the device."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train; what is None is the model's own (`MODELS`), for `paper` the paper's (sections 4 and 5).

    Args:
        model: one of `MODELS` or `CLASSICAL`; these take seed, shards and name, and nothing else.
        literal: give the paper's networks the mels as they are, and its learning rate of 0.01.
        filters: of each convolution of the paper's networks.
        batch_size: clips of a step; None for the model's own, or fewer where an epoch would have less than
            `LEAST_STEPS` steps.
        lr: the learning rate; with one cycle the highest.
        epochs: how many at most.
        patience: stop after so many epochs without a better validation macro-F1; `compact`, whose best come
            at the end of its cycle, does not stop by itself.
        seed: decides the first weights, the order of the clips, dropout and augmentation.
        augment: which of `AUGMENTATIONS` to apply to the training clips, in this order.
        device: auto, cpu, cuda or mps.
        threads: of the CPU; None for as many as torch takes, the cores. A baseline has one.
        shards: which folder of shards, if there are several.
        name: of the run; None for one made of what differs from the defaults.

    Raises:
        UsageError: a value is impossible.
    """

    model: str = "paper"
    literal: bool = False
    filters: tuple[int, ...] | None = None
    batch_size: int | None = None
    lr: float | None = None
    epochs: int | None = None
    patience: int | None = None
    seed: int = 0
    augment: tuple[str, ...] = ()
    device: str = "auto"
    threads: int | None = None
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
        if self.literal and MODELS[self.model].filters is None:
            raise UsageError(f"the model {self.model} is not the paper's", "Leave --literal out.")
        for field in ("batch_size", "epochs", "patience", "threads"):
            if (value := getattr(self, field)) is not None and value < 1:
                raise UsageError(f"{field} is {value}", "Give at least 1.")
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
            of_paper = MODELS[model].filters is not None
            return replace(self, model=model, literal=self.literal and of_paper)
        kept = {name: getattr(self, name) for name in OF_BASELINES if name != "model"}
        return TrainConfig(model, **kept)

    def hyperparameters(self, clips: int) -> Hyperparameters:
        """What is given, else the model's own; of few clips smaller batches, or an epoch would be too few steps.

        Args:
            clips: how many an epoch has.
        """
        own = MODELS[self.model].trained
        own = replace(own, batch_size=min(own.batch_size, max(LEAST_BATCH, clips // LEAST_STEPS)))
        if self.literal:
            own = replace(own, lr=LITERAL_LR)
        names = ("lr", "batch_size", "epochs", "patience")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return replace(own, **given)

    @property
    def run_name(self) -> str:
        """What the run is called: its name, or the model and whatever differs from the defaults."""
        if self.name is not None:
            return self.name
        differing = [
            field.name if field.name == "literal" else f"{field.name}={_short(getattr(self, field.name))}"
            for field in fields(self)
            if field.name not in ("model", *NOT_IN_NAME) and getattr(self, field.name) != field.default
        ]
        return ",".join([self.model, *differing])


def _short(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)
