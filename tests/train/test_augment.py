"""Masks and mixtures: what they change, by how much, and that seed, epoch and place decide them."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.train.augment import augmented, generators

BANDS, FRAMES, CLIPS = 32, 50, 6


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mels that are nowhere 0, their classes, the means of the bands."""
    mel = 1 + torch.arange(CLIPS * BANDS * FRAMES, dtype=torch.float32).reshape(CLIPS, 1, BANDS, FRAMES)
    return mel, torch.arange(CLIPS) % 3, -1 - torch.arange(BANDS, dtype=torch.float32)


def augment(*names: str, seed: int = 0, epoch: int = 1, first: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    mel, target, mean = batch()
    return augmented(names, mel, target, 3, generators(seed, epoch, range(first, first + CLIPS)), mean)


def test_nothing_asked_for_changes_nothing() -> None:
    mel, target, _ = batch()
    same, classes = augment()
    assert torch.equal(same, mel) and torch.equal(classes, target)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 100))
def test_specaugment_masks_whole_bands_and_frames_with_the_mean(seed: int, epoch: int) -> None:
    mel, target, mean = batch()
    masked, shares = augment("specaugment", seed=seed, epoch=epoch)
    assert torch.equal(shares.argmax(dim=1), target) and torch.equal(shares.sum(dim=1), torch.ones(CLIPS))
    changed = masked != mel
    assert torch.equal(masked[changed], mean[:, None].expand_as(mel)[changed])
    for clip in changed[:, 0]:
        bands, frames = clip.all(dim=1), clip.all(dim=0)
        assert torch.equal(clip, bands[:, None] | frames[None, :])
        assert bands.sum() <= 2 * (27 * BANDS // 128) and frames.sum() <= 2 * (FRAMES // 10)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 100))
def test_mixup_mixes_mel_and_target_in_the_same_shares(seed: int, epoch: int) -> None:
    mel, target, _ = batch()
    mixed, shares = augment("mixup", seed=seed, epoch=epoch)
    for row in range(CLIPS):
        # These mels are a ramp: the mean tells which mixture it is of the row and one other.
        moved = (mixed[row] - mel[row]).mean().item() / (BANDS * FRAMES)
        assert torch.allclose(mixed[row] - mel[row], torch.tensor(moved * BANDS * FRAMES), atol=0.05)
        assert shares[row].sum().item() == torch.tensor(1.0)
        assert (shares[row] >= 0).all() and (shares[row] > 0).sum() <= 2
        own = 1 - shares[row, target[row]].item()
        options = [abs(own * (other - row) - moved) for other in range(CLIPS) if target[other] != target[row]]
        assert own == 0 or min(options) < 1e-3


def test_seed_epoch_and_place_decide() -> None:
    both = ("specaugment", "mixup")

    def content(**changed: int) -> bytes:
        return augment(*both, **changed)[0].numpy().tobytes()

    assert content() == content()
    assert len({content(), content(seed=1), content(epoch=2), content(first=CLIPS)}) == 4


def test_the_batch_itself_is_left_alone() -> None:
    mel, target, mean = batch()
    before = mel.clone()
    augmented(("specaugment", "mixup"), mel, target, 3, generators(0, 1, range(CLIPS)), mean)
    assert torch.equal(mel, before)
    assert np.array_equal(target.numpy(), np.arange(CLIPS) % 3)
