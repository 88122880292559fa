"""What the epochs of a training say against it, and what to try; pure decisions over a history."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..runs.folder import Caution, Epoch, best_of
from ..words import FILE_WIDTH, wrapped
from .config import TrainConfig
from .networks import Hyperparameters, is_one_cycle

ROW = 3
"""Epochs in a row that count; one alone may be chance."""

STUCK = 5
"""Epochs in a row without learning anything that are more than a slow start, where channels are alive."""

AT_CHANCE = 0.05
"""How near, as a share, a loss is to that of guessing while it sits there."""

MOST = 0.8
"""Share of a layer's channels that are dead where it cannot learn any more."""

FALLEN = 0.1
"""By how much the F1 of all the last epochs is below the best before them."""

FIRST = 2
"""Whoever is best in one of so many first epochs has learned nothing since."""

FAR_BELOW, RISEN = 0.1, 1.25
"""A train loss of less than this share of the validation's, which is so many times what it was once, is that
of clips known by heart."""

MORE_STEPS = "Try another --lr, a smaller --batch-size or more --epochs."


def guessing_loss(target: npt.NDArray[np.integer], n_classes: int) -> float:
    """The least loss of what knows how common each class is and does not listen: the entropy, in nat.

    `ln C` for one of C equally common classes; where a clip may have several, the mean over the classes of
    the entropies of yes and no.

    Args:
        target: classes, [rows]; or zeros and ones, [rows, classes].
    """
    if target.ndim > 1:
        share = target.mean(axis=0)
        return float((_surprise(share) + _surprise(1 - share)).mean())
    return float(_surprise(np.bincount(target, minlength=n_classes) / len(target)).sum())


def meaning_words(guessing: float, multi_label: bool) -> str:
    """What the figures of the epochs mean, before the first of them.

    Args:
        guessing: the loss of guessing, see `guessing_loss`.
    """
    what = "binary cross-entropy, the mean over clips and classes" if multi_label else "mean cross-entropy"
    loss = (
        f"loss: {what}, in nat. 0 is sure and right; {guessing:.3f} is guessing by how common each class is;"
        " more is sure and wrong, as the paper's network is in its first epochs."
    )
    f1 = "F1: the mean of the classes (macro), the Total of the paper's Table 2."
    return "\n".join(wrapped(f"{loss}\n{f1}", FILE_WIDTH))


def _surprise(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`-p ln p`, which is 0 where p is."""
    return -share * np.log(np.where(share > 0, share, 1))


def epochs_without_better(history: Sequence[Epoch]) -> int:
    """How many epochs ended without a better validation macro-F1 than all before; as good is not better."""
    merits = [row.validation_f1 for row in history]
    return len(merits) - 1 - merits.index(max(merits))


def goes_on(history: Sequence[Epoch], how: Hyperparameters, guessing: float) -> bool:
    """Whether another epoch follows: some are left, patience is not used up, and it can still learn."""
    patient = how.patience is None or epochs_without_better(history) < how.patience
    return len(history) < how.epochs and patient and not is_hopeless(history, guessing)


def is_hopeless(history: Sequence[Epoch], guessing: float) -> bool:
    """Whether a network only guesses, and most channels of a layer have no gradient to change that."""
    return _guesses(history[-ROW:], guessing) and _dying(history)


def cautions(history: Sequence[Epoch], config: TrainConfig, guessing: float) -> tuple[Caution, ...]:
    """What the last epochs say against a training.

    Args:
        history: the epochs so far.
        guessing: the loss of guessing, see `guessing_loss`.
    """
    last = history[-1]
    dead = f"{100 * last.dead_channels:.0f} % of a layer's channels are dead"
    if is_hopeless(history, guessing):
        what = f"the loss is that of guessing and {dead}"
        return (Caution("collapsed", what, _calmer(config)),)
    found = []
    if len(history) >= STUCK and _guesses(history[-STUCK:], guessing):
        what = f"the train loss sits at {last.train_loss:.3f}, which is that of guessing"
        found.append(Caution("guessing", what, MORE_STEPS))
    if _dying(history):
        found.append(Caution("dead", f"{dead}: no clip excites them", _calmer(config)))
    if (fallen := _fallen_from(history)) is not None:
        what = f"train F1 fell from {fallen.train_f1:.3f} in epoch {fallen.epoch} to {last.train_f1:.3f}"
        found.append(Caution("falling", what, _calmer(config)))
    return tuple(found)


def new_cautions(history: Sequence[Epoch], config: TrainConfig, guessing: float) -> tuple[Caution, ...]:
    """Those of the last epoch that the one before did not have."""
    known = {each.kind for each in cautions(history[:-1], config, guessing)} if len(history) > 1 else set()
    return tuple(each for each in cautions(history, config, guessing) if each.kind not in known)


def final_cautions(history: Sequence[Epoch], config: TrainConfig, guessing: float) -> tuple[Caution, ...]:
    """The same of a training that has ended, and what there is against the epoch that was kept."""
    found = cautions(history, config, guessing)
    if is_hopeless(history, guessing):
        return found
    known = {each.kind for each in found}
    kept = _of_kept(history, config, guessing)
    return (*found, *(each for each in kept if each.kind not in known))


def _of_kept(history: Sequence[Epoch], config: TrainConfig, guessing: float) -> list[Caution]:
    found = []
    kept = history[best_of(history, is_one_cycle(config.model)) - 1]
    train, validation = kept.train_loss, kept.validation_loss
    if min(train, validation) >= (1 - AT_CHANCE) * guessing:
        found.append(Caution("guessing", f"guessing is as good: its loss is {guessing:.3f}", MORE_STEPS))
    if kept.epoch <= FIRST and len(history) >= kept.epoch + ROW and kept.validation_f1 < 1:
        what = f"epoch {kept.epoch} of {len(history)} is the best: what followed made it worse"
        found.append(Caution("early", what, _calmer(config)))
    least = min(row.validation_loss for row in history[: kept.epoch])
    if train < FAR_BELOW * validation and validation > RISEN * least:
        what = f"train loss is {train:.2f}, validation loss rose from {least:.2f} to {validation:.2f}"
        found.append(Caution("by heart", what, _more_clips(config)))
    return found


def _guesses(epochs: Sequence[Epoch], guessing: float) -> bool:
    """Whether none of some epochs is better than guessing, and the loss does not come down to it still."""
    least, most = (1 - AT_CHANCE) * guessing, (1 + AT_CHANCE) * guessing
    return all(row.train_loss >= least for row in epochs) and epochs[-1].train_loss <= most


def _dying(history: Sequence[Epoch]) -> bool:
    return len(history) >= ROW and all(row.dead_channels >= MOST for row in history[-ROW:])


def _fallen_from(history: Sequence[Epoch]) -> Epoch | None:
    """The epoch with the best train F1, where all of the last are far below it."""
    if len(history) <= ROW:
        return None
    best = max(history[:-ROW], key=lambda row: row.train_f1)
    highest = max(row.train_f1 for row in history[-ROW:])
    return best if highest < best.train_f1 - FALLEN else None


def _calmer(config: TrainConfig) -> str:
    if config.literal:
        return "Leave --literal out: the paper's CNN then learns (docs/train.md)."
    return "Lower --lr." if config.model == "compact" else "Lower --lr, or try --model compact."


def _more_clips(config: TrainConfig) -> str:
    if config.model == "compact":
        return "Fetch more clips, or try --augment specaugment."
    return "Fetch more clips, or try --model compact."
