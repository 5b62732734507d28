"""The recipe of the point network: what ``recipes/embedded/landmarks.toml`` may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actionunits.experiments.landmarks.net import PointNetConfig
from actionunits.experiments.recipe import change_values, read_recipe
from actionunits.models.config import from_plain
from actionunits.training.settings import TrainSettings

__all__ = ["PointPictureSettings", "PointRecipe", "load_point_recipe"]


@dataclass(frozen=True)
class PointPictureSettings:
    """What is learnt from.

    Attributes:
        pictures: to train on.
        validation_pictures: animated ones of the validation people.
        real_share: share of the training pictures that are hand-placed photographs as they are.
        found_pictures: of people whose points the network before found.
        found_real_share: the share of those that are photographs as they are.
        lip_tones_share: share of the training pictures whose lips are made darker or lighter, each by itself.
        batch: pictures in a batch.
        seed: of expressions, poses and light.
    """

    pictures: int = 9600
    validation_pictures: int = 480
    real_share: float = 0.2
    found_pictures: int = 9600
    found_real_share: float = 0.5
    lip_tones_share: float = 0.0
    batch: int = 64
    seed: int = 11

    def __post_init__(self) -> None:
        if min(self.pictures, self.validation_pictures, self.found_pictures, self.batch) < 1:
            raise ValueError("the numbers of pictures and batch must be 1 or more")
        shares = (self.real_share, self.found_real_share, self.lip_tones_share)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError("real_share, found_real_share and lip_tones_share must be within 0 to 1")


@dataclass(frozen=True)
class PointRecipe:
    """One training of the point network.

    Attributes:
        title: what it is, in a line.
        version: of the network that comes of it.
        data: what is learnt from.
        training: optimiser and schedule.
        model: sizes of the network.
        rounds: epochs of each network. The first learns from hand-placed points; it finds those of other
            people's portraits for the second, and so on. The last one is kept.
    """

    title: str = "the 68 points"
    version: str = "1"
    data: PointPictureSettings = PointPictureSettings()
    training: TrainSettings = TrainSettings()
    model: PointNetConfig = PointNetConfig()
    rounds: tuple[int, ...] = (12, 25)

    def __post_init__(self) -> None:
        if not self.rounds or min(self.rounds) < 1:
            raise ValueError(f"rounds must be numbers of epochs, at least one, got {list(self.rounds)}")


def load_point_recipe(changes: Sequence[str] = ()) -> PointRecipe:
    """The shipped recipe with ``key=value`` changes.

    Raises:
        UserError: an unknown key (with the nearest) or a value of the wrong kind.

    >>> load_point_recipe(["pictures=96", "training.epochs=1"]).data.pictures
    96
    """
    values = change_values(read_recipe("embedded/landmarks"), changes)
    return from_plain(PointRecipe, values, "the recipe embedded/landmarks:")
