"""How to train: one frozen dataclass, the defaults being the paper's."""

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from ..audio.stretch import RATES
from ..exceptions import UsageError
from ..workspace import folder_name
from .augment import AUGMENTATIONS
from .baselines import CLASSICAL
from .networks import LITERAL_LR, MODELS, Hyperparameters, is_one_cycle

NOT_IN_NAME = ("name", "device", "threads", "embedding_sha256")

SHORT = {"batch_size": "bs", "epochs": "ep", "augment": "", "embedding": "", "shards": "on-"}
SHORT |= {"embedding_output": "out", "embedding_rate": "hz"}
"""Settings in the name of a run, where they are not called what they are; the values of some say it alone."""

PROBE = "probe"
"""The model that learns from the features of a tagger's file, and not from mels."""

OF_PROBE = ("embedding", "embedding_output", "embedding_rate", "embedding_sha256")
"""Settings that it has beside those of the baselines."""

EMBEDDING_RATE = 16_000
"""Hertz, where none is given: what YAMNet takes."""

LEAST_STEPS, LEAST_BATCH = 25, 8
"""Steps of an epoch for which batches get smaller, and how small they get."""

OF_BASELINES = ("model", "seed", "device", "threads", "shards", "name")
"""Settings that the classical baselines have; they compute on the CPU, whatever the device."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train; what is None is the model's own (`MODELS`), for `paper` the paper's (sections 4 and 5).

    Args:
        model: one of `MODELS` or `CLASSICAL`, or `probe`; the last two take seed, shards and name, and
            nothing else but the probe its embedding.
        literal: give the paper's networks the mels as they are, and its learning rate of 0.01.
        filters: of each convolution of the paper's networks.
        batch_size: clips of a step; None for the model's own, or fewer where an epoch would have less than
            `LEAST_STEPS` steps.
        lr: the learning rate; with one cycle the highest.
        epochs: how many at most.
        patience: stop after so many epochs without a better validation macro-F1; `compact` has none, whose
            cycle ends with its best.
        seed: decides the first weights, the order of the clips, dropout and augmentation.
        augment: which of `AUGMENTATIONS` to apply to the training clips, in this order.
        device: auto, cpu, cuda or mps.
        threads: of the CPU; None for as many as torch takes, the cores. A baseline has one.
        shards: which folder of shards, if there are several.
        name: of the run; None for one made of what differs from the defaults.
        embedding: path of the TFLite or ONNX file whose features the probe learns from.
        embedding_output: name of the output that they are; None for the first.
        embedding_rate: hertz of the waveform that the file takes; None for 16,000.
        embedding_sha256: of the file; `train` fills it in.

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
    embedding: str | None = None
    embedding_output: str | None = None
    embedding_rate: int | None = None
    embedding_sha256: str | None = None

    def __post_init__(self) -> None:
        known = [*MODELS, *CLASSICAL, PROBE]
        if self.model not in known:
            raise UsageError(f"no model {self.model!r}", f"Choose one of {', '.join(known)}, or all.")
        self._refuse_foreign()
        if self.model == PROBE:
            self._check_embedding()
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise UsageError(f"no device {self.device!r}", "Choose auto, cpu, cuda or mps.")
        if self.filters is not None:
            if MODELS[self.model].filters is None:
                raise UsageError(f"the model {self.model} has filters of its own", "Leave the filters out.")
            if not self.filters or min(self.filters) < 1:
                raise UsageError(f"no network with filters {self.filters}", "Give counts of at least 1.")
        if self.literal and MODELS[self.model].filters is None:
            raise UsageError(f"the model {self.model} is not the paper's", "Leave --literal out.")
        if self.patience is not None and is_one_cycle(self.model):
            raise UsageError(
                f"{self.model} goes through one cycle and does not stop before its end",
                "Leave --patience out, or give fewer --epochs.",
            )
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

    def _refuse_foreign(self) -> None:
        """See that nothing is set that the model does not have."""
        own = {*OF_BASELINES, *(OF_PROBE if self.model == PROBE else ())}
        if self.model in MODELS:
            own = {field.name for field in fields(self)} - {*OF_PROBE}
        given = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        if wrong := [name for name in given if name not in own]:
            kind = "model" if self.model in MODELS else "baseline"
            instead = f", or choose --model {PROBE}" if wrong[0] in OF_PROBE else ""
            raise UsageError(f"the {kind} {self.model} has no {wrong[0]}", f"Leave that option out{instead}.")

    def _check_embedding(self) -> None:
        """See that the file can be asked for; a run of a stranger's may hold anything."""
        if not isinstance(self.embedding, str) or not self.embedding or "\0" in self.embedding:
            raise UsageError("the probe needs an embedding", "Give a TFLite or ONNX file with --embedding.")
        rate = self.embedding_rate
        if rate is not None and not (isinstance(rate, int) and rate in RATES):
            raise UsageError(
                f"no sound has {rate!r} Hz", f"Give --embedding-rate in hertz, {RATES[0]:,} to {RATES[-1]:,}."
            )
        texts = (self.embedding_output, self.embedding_sha256)
        if not all(text is None or isinstance(text, str) for text in texts):
            raise UsageError("the embedding's output or sha256 is no text", "Leave them out.")

    def for_model(self, model: str) -> "TrainConfig":
        """The same settings for another model, as far as it has them."""
        if model in MODELS:
            of_paper = MODELS[model].filters is not None
            patience = None if is_one_cycle(model) else self.patience
            return replace(self, model=model, literal=self.literal and of_paper, patience=patience)
        kept = {name: getattr(self, name) for name in OF_BASELINES if name != "model"}
        return TrainConfig(model, **kept)

    def hyperparameters(self, clips: int) -> Hyperparameters:
        """What is given, else the model's own; of few clips smaller batches, so that an epoch has its steps.

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
    def settings(self) -> dict[str, object]:
        """What a run's `config.json` keeps of it; how many threads computed stands beside."""
        return {name: value for name, value in asdict(self).items() if name != "threads"}

    @property
    def run_name(self) -> str:
        """What the run is called: its name, or the model and whatever differs: `paper-bs16-lr0.001`."""
        if self.name is not None:
            return self.name
        differing = [
            f"{SHORT.get(field.name, field.name)}{self._short(field.name)}"
            for field in fields(self)
            if field.name not in ("model", *NOT_IN_NAME) and getattr(self, field.name) != field.default
        ]
        return "-".join([self.model, *differing])

    def _short(self, name: str) -> str:
        value = getattr(self, name)
        if name == "embedding":
            value = Path(value).stem
        if name in ("shards", *OF_PROBE):
            # Whatever others called it becomes part of a folder's name, which has no room for much more.
            return folder_name(str(value))[:40]
        if name == "literal":
            return ""
        return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)
