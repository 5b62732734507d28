"""Maps of one AU over the face that they belong to."""

from __future__ import annotations

import io

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from actionunits.facs.units import action_unit
from actionunits.records import FloatArray, ImageArray

__all__ = ["draw_map"]

#: The colours reach at least so far, so that rounding error does not look like an effect.
LEAST_SPAN = 0.02


def draw_map(
    face: ImageArray,
    values: FloatArray,
    au: int,
    probability: float,
    *,
    unit: str = "fall of the probability",
) -> bytes:
    """A PNG of the face beside the face under the map; blue is no effect, red the strongest.

    Args:
        face: u8[S,S] or u8[S,S,3] RGB, the aligned crop.
        values: f32[S,S], the map of one AU on the crop's pixels.
        au: its number.
        probability: of the AU with nothing hidden.
        unit: what the map shows.
    """
    picture = face if face.ndim == 3 else np.asarray(cv2.cvtColor(face, cv2.COLOR_GRAY2RGB), np.uint8)
    high = max(float(np.nanmax(values)), LEAST_SPAN)
    low = min(float(np.nanmin(values)), 0.0)
    figure = Figure(figsize=(8.4, 4.3), dpi=110, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    plain, mapped = figure.subplots(1, 2)
    plain.imshow(picture, interpolation="nearest")
    plain.set_title("what the model saw", fontsize=10)
    mapped.imshow(picture, interpolation="nearest")
    image = mapped.imshow(values, cmap="jet", vmin=low, vmax=high, alpha=0.5, interpolation="bilinear")
    mapped.set_title(f"{unit} when hidden there", fontsize=10)
    figure.colorbar(image, ax=mapped, shrink=0.85)
    for axes in (plain, mapped):
        axes.set_axis_off()
    figure.suptitle(
        f"AU{au} {action_unit(au).name}: probability {probability:.2f} with nothing hidden", fontsize=12
    )
    memory = io.BytesIO()
    figure.savefig(memory, format="png", metadata={"Software": ""})
    return memory.getvalue()
