import cv2
import numpy as np
import pytest

from actionunits.facs.sets import DEFAULT_17
from actionunits.reports.distributions import box_plot, histogram
from actionunits.reports.figures import (
    COLOURS,
    _peak_per_column,
    au_timeline,
    bars,
    clock,
    contact_sheet,
    curves,
    heat_map,
    scatter,
)


def picture(data: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def count(image: np.ndarray, colour: str, tolerance: int = 40) -> int:
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(image.astype(int) - wanted).max(axis=2) < tolerance).sum())


def test_a_timeline_draws_the_line_only_where_there_is_a_value():
    times = np.arange(300) / 30
    values = np.full((300, 1), 0.5, np.float32)
    values[150:] = np.nan
    image = picture(au_timeline(times, values, [12]))[50:].astype(int)  # below the legend
    drawn = np.flatnonzero((image[..., 2] - image[..., 0] > 80).any(axis=0))
    left, right = 0.19 * image.shape[1], 0.965 * image.shape[1]
    assert drawn[0] == pytest.approx(left, abs=4)
    assert drawn[-1] == pytest.approx((left + right) / 2, abs=4)
    assert len(drawn) == drawn[-1] - drawn[0] + 1


def test_a_single_frame_between_gaps_is_still_seen():
    values = np.full((300, 1), np.nan, np.float32)
    legend_only = count(picture(au_timeline(np.arange(300) / 30, values, [12])), COLOURS[0])
    values[150] = 0.9
    assert count(picture(au_timeline(np.arange(300) / 30, values, [12])), COLOURS[0]) > legend_only


def test_a_one_frame_event_survives_an_hour():
    times = np.arange(108_000) / 30
    values = np.zeros((108_000, 1))
    values[54_321] = 0.97
    seen_at, peaks = _peak_per_column(times, values, 900)
    assert len(peaks) == 900
    assert peaks.max() == 0.97
    assert abs(seen_at[peaks.argmax()] - times[54_321]) < 3600 / 900


def test_gaps_of_long_recordings_stay_gaps():
    values = np.zeros((9000, 1))
    values[3000:6000] = np.nan
    _, peaks = _peak_per_column(np.arange(9000) / 30, values, 900)
    assert 295 <= np.isnan(peaks).sum() <= 300


def test_uneven_times_leave_no_false_gaps():
    times = np.concatenate([np.linspace(0, 1, 950), np.linspace(1.5, 100, 100)])
    _, peaks = _peak_per_column(times, np.ones((1050, 1)), 900)
    assert np.isfinite(peaks).all()


def test_truth_is_shaded():
    times, values = np.arange(100) / 25, np.zeros((100, 2))
    truth = np.zeros((100, 2))
    flat = picture(au_timeline(times, values, [6, 12], truth=truth))
    truth[20:60] = 1
    raised = picture(au_timeline(times, values, [6, 12], truth=truth))
    assert np.abs(raised.astype(int) - flat).sum() > 0
    assert count(raised, "#F3CB73", 30) > count(flat, "#F3CB73", 30) + 5000


def test_a_timeline_refuses_what_its_scale_cannot_show():
    with pytest.raises(ValueError, match="reaches 1"):
        au_timeline([0.0, 1.0], [[3.0], [0.0]], [12])
    with pytest.raises(ValueError, match="2 AUs"):
        au_timeline([0.0, 1.0], [[3.0], [0.0]], [12, 6])


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_the_shortest_recordings_draw(frames):
    values = np.full((frames, 17), 0.3)
    assert picture(au_timeline(np.arange(frames) / 30, values, DEFAULT_17, title="one")).shape[1] > 1000


def test_all_values_missing_draws_an_empty_timeline():
    assert au_timeline(np.arange(5.0), np.full((5, 2), np.nan), [1, 2], unit="evidence").startswith(
        b"\x89PNG"
    )


def test_the_same_input_gives_the_same_bytes():
    one, two = (bars(["AU1"], {"share": [0.5]}) for _ in range(2))
    assert one == two


def test_other_figures_draw_also_undefined_values():
    matrix = np.array([[1.0, np.nan], [-0.5, 0.2]])
    assert picture(heat_map(matrix, ["a", "b"], ["c", "d"], limits=(-1, 1))).size
    assert picture(heat_map(np.full((2, 2), np.nan), ["a", "b"], ["c", "d"])).size
    assert picture(bars(["a", "b"], {"x": [1, np.nan], "y": [0.2, 2]}, errors={"x": [0.1, 0.2]})).size
    assert picture(scatter([1, 2, np.nan], [2, 1, 0], ["a", "b", "c"])).size
    assert picture(curves(["AU1", "AU2"], {"one": [0.3, np.nan], "two": [0.1, 0.2]})).size
    assert picture(curves([1.0, 2.0], {"one": [0.3, 0.1]})).size


def test_svg_is_text():
    assert b"<svg" in curves([1, 2], {"one": [0.3, 0.1]}, file_format="svg")
    with pytest.raises(ValueError, match="png or svg"):
        curves([1, 2], {"one": [0.3, 0.1]}, file_format="pdf")


def test_a_contact_sheet_holds_each_picture_in_its_place():
    red, grey = np.zeros((40, 80, 3), np.uint8), np.full((30, 30), 128, np.uint8)
    red[..., 0] = 200
    sheet = contact_sheet([red, grey, red], ["one", "two", "three"], 2, tile_px=100)
    assert sheet.shape == (2 * (100 + 22 + 6) + 6, 2 * 106 + 6, 3)
    assert sheet[6 + 50, 6 + 50].tolist() == [200, 0, 0]
    assert sheet[6 + 50, 106 + 6 + 50].tolist() == [128, 128, 128]
    assert sheet[6 + 10, 6 + 50].tolist() == [255, 255, 255]  # a wide picture keeps its aspect
    assert sheet[128 + 6 + 50, 106 + 50].tolist() == [255, 255, 255]
    with pytest.raises(ValueError, match="2 captions"):
        contact_sheet([red], ["one", "two"], 2)


def test_clock_rounds_up_into_the_next_minute():
    assert clock(59.7) == "1:00"
    assert clock(3599.9) == "1:00:00"


def test_box_plot_and_histogram_draw_and_check():
    assert box_plot(["AU1", "AU2"], [[0.2, 0.4, 3.0], []], axis="length (s)").startswith(b"\x89PNG")
    assert box_plot(["AU1"], [[]]).startswith(b"\x89PNG")
    assert b"<svg" in histogram(["1", "2–10"], [40.0, 60.0], file_format="svg")
    with pytest.raises(ValueError, match="above 0"):
        box_plot(["AU1"], [[0.0]])
    with pytest.raises(ValueError, match="2 ranges"):
        histogram(["1", "2"], [1.0])
