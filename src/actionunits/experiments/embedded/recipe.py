"""The recipe of the embedded model: what ``recipes/embedded/default.toml`` may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actionunits.experiments.recipe import change_values, read_recipe
from actionunits.models.config import from_plain
from actionunits.models.embedded.net import EmbeddedConfig
from actionunits.training.settings import TrainSettings

__all__ = ["EmbeddedRecipe", "PictureSettings", "SplitSettings", "load_embedded_recipe"]


@dataclass(frozen=True)
class PictureSettings:
    """What is learnt from.

    Attributes:
        pictures: to train on.
        validation_pictures: of the validation subjects, or of those that are held back in turn.
        test_pictures: of the test subjects.
        flat_share: share animated by the 2-D way although a 3-D face model is given.
        real_share: share of the training pictures that are the photographs as they are.
        smiling_share: share of the animated training portraits that smile in the photograph: upper-face AUs
            are shown on top of the smile. Half as many pictures as of neutral faces are made of the smiles of
            the validation subjects (or of those held back in turn) and of the test subjects, too.
        mixed_share: share of the animated training portraits other than broad smiles into which a second
            person is mixed.
        doubtful_share: share of the animated training portraits other than broad smiles that may be a smile,
            with the lips together.
        lip_tones_share: share of the training pictures whose lips are made darker or lighter, each by itself.
        even_groups: of the people whose source names their apparent group, draw each group for training as
            often as another.
        batch: pictures in a batch.
        seed: of expressions, cameras and light.
    """

    pictures: int = 24000
    validation_pictures: int = 1536
    test_pictures: int = 1536
    flat_share: float = 0.3
    real_share: float = 0.1
    smiling_share: float = 0.25
    mixed_share: float = 0.5
    doubtful_share: float = 0.0
    lip_tones_share: float = 0.0
    even_groups: bool = False
    batch: int = 128
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.pictures, self.validation_pictures, self.test_pictures, self.batch) < 1:
            raise ValueError("pictures, validation_pictures, test_pictures and batch must be 1 or more")
        shares = (
            "flat_share",
            "real_share",
            "smiling_share",
            "mixed_share",
            "doubtful_share",
            "lip_tones_share",
        )
        wrong = [name for name in shares if not 0 <= getattr(self, name) <= 1]
        if wrong:
            raise ValueError(f"{' and '.join(wrong)} must be within 0 to 1")


@dataclass(frozen=True)
class SplitSettings:
    """Subjects, as FOLDER/PERSON.

    Attributes:
        validation: without ``folds`` they are not trained on: they choose the epoch, the seeds, the
            calibration and the thresholds.
        test: are never trained on, and scored once, for the card.
    """

    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


@dataclass(frozen=True)
class EmbeddedRecipe:
    """One training of the embedded model.

    Attributes:
        title: what it is, in a line.
        version: of the model that comes of it.
        data: what is learnt from.
        training: optimiser, schedule, devices.
        model: sizes of the network.
        split: who chooses, and who is scored.
        seeds: a training for each; all are scored.
        kept: so many of them, the best by those who are not learnt from, are averaged into the network that
            is kept.
        eight_bits: its file does convolutions and matrix products in 8 bits.
        folds: 0, the validation people are not learnt from: they choose the epoch, the seeds, the calibration
            and the thresholds. 2 or more, for a recipe that is settled: they are learnt from, too, to the
            last epoch. Everybody of whom the photographs' source says what they show is held back once, in
            so many parts, and networks that did not see them choose the rest.
    """

    title: str = "the embedded model"
    version: str = "1"
    data: PictureSettings = PictureSettings()
    training: TrainSettings = TrainSettings()
    model: EmbeddedConfig = EmbeddedConfig()
    split: SplitSettings = SplitSettings()
    seeds: tuple[int, ...] = (1,)
    kept: int = 1
    eight_bits: bool = False
    folds: int = 0

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be different numbers, at least one, got {list(self.seeds)}")
        if not 1 <= self.kept <= len(self.seeds):
            raise ValueError(
                f"kept must be within 1 to the number of seeds, {len(self.seeds)}, got {self.kept}: give "
                "kept=1, or more seeds"
            )
        if self.folds == 1 or self.folds < 0:
            raise ValueError(f"folds must be 0, or 2 and more, got {self.folds}")
        if self.folds and self.training.patience is not None:
            raise ValueError("training.patience needs people who choose the epoch: leave it out, or folds=0")
        if self.model.members != 1:
            raise ValueError("model.members follows from kept: each seed is trained alone")


def load_embedded_recipe(changes: Sequence[str] = ()) -> EmbeddedRecipe:
    """The shipped recipe with ``key=value`` changes.

    Raises:
        UserError: an unknown key (with the nearest) or a value of the wrong kind.

    >>> load_embedded_recipe(["pictures=96", "training.epochs=1"]).data.pictures
    96
    """
    values = change_values(read_recipe("embedded/default"), changes)
    return from_plain(EmbeddedRecipe, values, "the recipe embedded/default:")
