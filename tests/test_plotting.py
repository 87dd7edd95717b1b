import base64
import io
import itertools
import re

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from helpers import plotting, rolls

T = np.arange(800) / 8000
Y = np.sin(2 * np.pi * 440 * T).astype(np.float32)
LEVELS = np.random.default_rng(0).normal(-40, 10, (50, 129)).astype(np.float32)

DRAWN = {
    "waveform": (lambda: plotting.waveform(Y, sr=8000, label="a"), "Time (s)", "Amplitude"),
    "samples": (lambda: plotting.samples(T[:20], Y[:20]), "Time (s)", "Amplitude"),
    "spectrum": (
        lambda: plotting.spectrum(T, Y, unit="dB re peak"),
        "Frequency (Hz)",
        "Level (dB re peak)",
    ),
    "spectrogram": (
        lambda: plotting.spectrogram(LEVELS, unit="dBFS", sr=8000, hop_length=64, f_max=2000),
        "Time (s)",
        "Frequency (Hz)",
    ),
    "learning_curve": (
        lambda: plotting.learning_curve([3, 2], [3, 2.5], baselines={"silence": 2.2}),
        "Epoch",
        "Mean absolute error",
    ),
    "timeline": (lambda: plotting.timeline({"seed": (0, 1), "free": (1, 3)}), "Time (s)", ""),
    "curves": (
        lambda: plotting.curves(T, {"a": Y, "b": -Y}, x_label="Step", y_label="Value"),
        "Step",
        "Value",
    ),
    "heatmap": (lambda: plotting.heatmap(LEVELS, x_label="Frame", y_label="Bin"), "Frame", "Bin"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_axes_are_labelled_with_units(name):
    draw, x_label, y_label = DRAWN[name]
    ax = draw()
    assert (ax.get_xlabel(), ax.get_ylabel()) == (x_label, y_label)


@pytest.mark.parametrize("name", ["waveform", "samples", "spectrum"])
def test_a_function_draws_on_the_axes_it_is_given(name):
    ax = plotting.new_axes()
    extra = {"waveform": {"sr": 8000}, "spectrum": {"unit": "dBFS"}}.get(name, {})
    data = (Y,) if name == "waveform" else (T, Y)
    assert getattr(plotting, name)(*data, ax=ax, label="here", **extra) is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["here"]


def test_the_waveform_is_drawn_where_it_lies_in_time():
    x, y = plotting.waveform(Y, sr=8000, start=2.0).lines[0].get_data()
    np.testing.assert_allclose(x, 2 + T)
    np.testing.assert_array_equal(y, Y)


def test_curves_are_told_apart_by_colour_and_dashes():
    ax = plotting.curves(T, {"a": Y, "b": -Y}, x_label="Step", y_label="Value", marker=".")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    first, second = ax.lines
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_marker() == second.get_marker() == "."


def test_the_spectrogram_spans_its_time_and_frequencies():
    ax = plotting.spectrogram(LEVELS, unit="dBFS", sr=8000, hop_length=64)
    half_bin = 4000 / 128 / 2  # the first bin is drawn around 0 Hz, the last around sr / 2
    assert ax.images[0].get_extent() == [0, 50 * 64 / 8000, -half_bin, 4000 + half_bin]
    assert ax.get_ylim() == (0, 4000)


@pytest.mark.parametrize("draw", [plotting.spectrum, plotting.spectrogram])
def test_a_level_says_what_its_reference_is(draw):
    unit, how = "dB re full-scale sine", {"sr": 8000, "hop_length": 64}
    data, how = ((T, Y), {}) if draw is plotting.spectrum else ((LEVELS,), how)
    with pytest.raises(TypeError, match="'unit'"):
        draw(*data, **how)
    ax = draw(*data, unit=unit, ax=plotting.new_axes(height=2.1), **how)
    label = ax.yaxis.label if draw is plotting.spectrum else ax.images[0].colorbar.ax.yaxis.label
    assert label.get_text() == "Level (dB re\nfull-scale sine)"
    FigureCanvasAgg(ax.figure).draw()
    inside, whole = label.get_window_extent(), ax.figure.bbox
    assert whole.y0 <= inside.y0 < inside.y1 <= whole.y1  # nothing is cut off


def test_the_spectrogram_draws_no_more_bins_than_are_shown():
    how = {"unit": "dBFS", "sr": 8000, "hop_length": 64}
    ax = plotting.spectrogram(LEVELS, **how, f_max=1000)  # bin 32 is 1000 Hz
    assert ax.images[0].get_array().shape[0] == 34
    assert ax.images[0].get_extent()[3] > 1000
    assert ax.get_ylim() == (0, 1000)


def test_a_piano_roll_has_a_tick_at_every_c_and_its_time_in_seconds():
    roll = np.zeros((32, 25), np.uint8)
    roll[4, 0], roll[5:8, 0] = 3, 1
    ax = plotting.piano_roll(roll, frame_rate=16, lowest=48, start=1.0)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["C3", "C4", "C5"]
    assert ax.images[0].get_extent() == [1.0, 3.0, 47.5, 72.5]
    np.testing.assert_array_equal(ax.images[0].get_array(), roll.T)


def test_a_heatmap_of_notes_is_drawn_over_seconds_and_notes_as_a_roll_is():
    labels = {"x_label": "Time (s)", "y_label": "Note"}
    span = {"frame_rate": 16, "lowest": 48, "limits": (-50, 0)}
    ax = plotting.heatmap(np.zeros((32, 25)), label=None, **span, **labels)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["C3", "C4", "C5"]
    assert ax.images[0].get_extent() == [0.0, 2.0, 47.5, 72.5]
    assert ax.get_xlim() == (0.0, 2.0)
    assert ax.images[0].get_clim() == (-50, 0)
    assert ax.images[0].colorbar is None
    assert plotting.heatmap(np.zeros((3, 2)), **labels).images[0].colorbar is not None


def test_a_table_carries_its_texts_on_its_colours():
    values = [[0.0, 1.0, np.nan], [0.2, 0.9, 0.5]]
    texts = [["a", "b", "c"], ["d", "e", "f"]]
    names = {"rows": ["x", "y"], "columns": ["p", "q", "r"], "label": "share"}
    ax = plotting.table(values, texts, **names, limits=(0, 1))
    assert [text.get_text() for text in ax.texts] == list("abcdef")
    assert [text.get_color() for text in ax.texts[:3]] == ["black", "white", "black"]
    assert ax.images[0].get_clim() == (0, 1)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "y"]


def test_baselines_are_drawn_and_named():
    ax = plotting.learning_curve([3, 2], [3, 2.5], baselines={"silence": 2.2, "mean": 2.1})
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["training", "validation", "baseline: silence", "baseline: mean"]
    assert list(ax.lines[2].get_ydata()) == [2.2, 2.2]


def test_a_figure_is_shown_as_a_png_with_its_text_escaped():
    shown = plotting.show(plotting.waveform(Y, sr=8000), alt='A sine of 440 Hz, "loud" <&>.')
    bundle = shown._repr_mimebundle_()
    assert bundle["text/plain"] == 'Figure: A sine of 440 Hz, "loud" <&>.'
    assert 'alt="A sine of 440 Hz, &quot;loud&quot; &lt;&amp;&gt;."' in bundle["text/html"]
    data = re.search(r"base64,([^\"]+)", bundle["text/html"])[1]
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.format == "PNG"
    assert image.width == 900


def test_several_panels_are_one_figure():
    axes = plotting.new_axes(2, 3)
    assert axes.shape == (2, 3)
    assert "base64" in plotting.show(axes, alt="Six empty panels.").html


def test_a_figure_needs_a_text():
    with pytest.raises(ValueError, match="alt must say in words"):
        plotting.show(plotting.new_axes(), alt=" ")


def test_the_same_data_give_the_same_picture():
    first, second = (plotting.show(plotting.waveform(Y, sr=8000), alt="A sine.") for _ in range(2))
    assert first == second


def test_a_diagram_draws_each_box_and_each_arrow():
    ax = plotting.diagram("a 1 5 ~sound;b 5 5 cut|in blocks;c 9 5 +", "a>b b>c")
    texts = [text.get_text() for text in ax.texts if text.get_text()]
    assert texts == ["sound", "cut\nin blocks", "+"]
    colours = [text.get_bbox_patch().get_facecolor() for text in ax.texts[:3]]
    assert colours[0] == colours[2] == (1, 1, 1, 1) != colours[1]
    assert [arrow.xy for arrow in ax.texts[3:]] == [(5, 5), (9, 5)]
    with pytest.raises(KeyError):
        plotting.diagram("a 1 5 sound", "a>b")


def test_a_legend_stands_above_the_data_and_a_title_beside_it():
    ax = plotting.curves([0, 1], {"rounded": [0, 1], "dithered": [1, 0]}, x_label="x", y_label="y")
    ax.set_title("two ways")
    plotting.show(ax, alt="Two lines that cross each other.")
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.bbox.y1
    assert legend.x0 > ax.title.get_window_extent().x1
    assert ax.get_title(loc="left") == "two ways"


def test_a_timeline_under_a_roll_leaves_the_notes_their_colours():
    def colours(*, parts):
        roll = np.zeros((40, 12), np.uint8)
        roll[10:30, 5], roll[10, 5] = rolls.HELD, rolls.LOUD
        ax = plotting.piano_roll(roll, frame_rate=10, lowest=60)
        plotting.timeline(parts, ax=ax)
        canvas = FigureCanvasAgg(ax.figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3].reshape(-1, 3)
        sky = [int(plotting.COLOURS["sky"][i : i + 2], 16) for i in (1, 3, 5)]
        return (pixels == sky).all(axis=1).sum(), len(np.unique(pixels, axis=0))

    (bare, few), (shaded, more) = colours(parts={}), colours(parts={"a": (0, 2), "b": (2, 4)})
    assert shaded == pytest.approx(bare, rel=0.2)  # the names need some room
    assert bare > 100
    assert more > few


# Colours, as they are seen with other colour vision

# Linear RGB as seen without one kind of cone: Machado, Oliveira and Fernandes, "A physiologically-
# based model for simulation of color vision deficiency", IEEE TVCG 15(6), 2009, severity 1.
VISIONS = {
    "all cones": np.eye(3),
    "protanopia": [
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ],
    "deuteranopia": [
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ],
    "tritanopia": [
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ],
}
TO_XYZ = np.array(
    [
        (0.4124564, 0.3575761, 0.1804375),
        (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041),
    ]
)  # from linear sRGB, IEC 61966-2-1


def lab(colour, vision="all cones"):
    """Return CIE L*, a*, b* of a colour, white being the screen's."""
    c = np.array(to_rgb(colour))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(VISIONS[vision] @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_measure_of_colours_is_right_where_it_is_known():
    np.testing.assert_allclose(lab("#ffffff"), [100, 0, 0], atol=0.01)
    np.testing.assert_allclose(lab("#ff0000"), [53.24, 80.09, 67.20], atol=0.02)
    for vision in VISIONS:  # greys stay grey
        np.testing.assert_allclose(lab("#777777", vision)[1:], 0, atol=0.1)
    red, green = "#d00000", "#407000"  # what people without one of two cones confuse
    assert np.linalg.norm(lab(red, "deuteranopia") - lab(green, "deuteranopia")) < 30
    assert np.linalg.norm(lab(red) - lab(green)) > 90


@pytest.mark.parametrize("vision", VISIONS)
def test_the_colours_of_lines_are_told_apart_with_any_colour_vision(vision):
    seen = [lab(colour, vision) for colour in plotting._CYCLE]
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    assert min(distances) > 15  # 2.3 is just noticeable


def test_the_states_of_a_roll_are_told_apart_by_lightness_alone():
    ax = plotting.piano_roll(np.zeros((2, 2), np.uint8), frame_rate=16, lowest=48)
    shades = ["white", *(ax.images[0].get_cmap()(state) for state in (1, 2, 3))]
    lightness = [lab(shade[:3] if isinstance(shade, tuple) else shade)[0] for shade in shades]
    assert max(np.diff(lightness)) < -20


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("name", ["cividis", "magma"])
def test_a_higher_value_is_lighter_in_maps_of_colours(name, vision):
    lightness = [lab(colour[:3], vision)[0] for colour in colormaps[name](np.linspace(0, 1, 32))]
    assert min(np.diff(lightness)) > 0


def test_the_lines_of_a_learning_curve_differ_by_more_than_colour():
    ax = plotting.learning_curve([3, 2], [3, 2.5], baselines={"a": 2.2, "b": 2.1, "c": 2})
    looks = [(line.get_linestyle(), line.get_marker()) for line in ax.lines]
    assert len(set(looks)) == len(looks)
