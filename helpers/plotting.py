"""Figures: each function takes data, draws it on an `Axes`, returns the `Axes`, computes nothing.

Where no `ax` is given, it makes a new figure. `label` is a name in the legend, and `**style` goes
to `Axes.plot`; the labels of axes name units. Levels are in dB: `unit` says what 0 dB is, like
"dBFS" or "dB re peak". Times and `start`, that of the first value, are in s, frequencies and `sr`
in Hz. Colours are those of Okabe and Ito, told apart with any kind of colour vision; figures are
shown through `show`, with a text that says what they show.
"""

import base64
import html
import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from helpers import rolls

COLOURS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#000000",
    "grey": "#777777",
}
_CYCLE = [COLOURS[name] for name in ("blue", "orange", "green", "red", "purple", "sky", "black")]
_STYLES = ["-", "--", "-.", ":"]
_GRID: Any = {"origin": "lower", "aspect": "auto", "interpolation": "nearest"}  # a pixel a value


@dataclass(frozen=True)
class Shown:
    """Something that a notebook displays: `html` where pages are shown, `text` elsewhere."""

    html: str
    text: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}


def new_axes(
    n_rows: int = 1,
    n_columns: int = 1,
    *,
    width: float = 9.0,
    height: float = 2.6,
    share_x: bool = False,
    share_y: bool = False,
) -> Any:
    """Make a figure, `width` inches wide, whose rows are `height` inches high; return its axes.

    One `Axes` for one panel; else an array, `(n,)` for one row or column, or `(n_rows, n_columns)`.
    """
    figure = Figure(figsize=(width, height * n_rows), layout="constrained", dpi=100)
    axes = figure.subplots(n_rows, n_columns, sharex=share_x, sharey=share_y)
    for ax in np.atleast_1d(axes).flat:
        ax.set_prop_cycle(color=_CYCLE)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25, linewidth=0.6)
    return axes


def show(ax: Axes | NDArray[np.object_], *, alt: str) -> Shown:
    """Turn a figure, by any of its axes, into a picture; a cell that ends with it displays it.

    `alt` is what a reader who can't see the figure should know: its finding, not its ink. It is
    shown where no HTML is; an empty one is a ValueError.
    """
    if not alt.strip():
        raise ValueError("alt must say in words what the figure shows, got an empty text")
    small, figure = io.BytesIO(), np.atleast_1d(np.asarray(ax)).flat[0].figure
    for one in figure.axes:
        if one.get_legend() and (title := one.get_title()):
            one.set_title("")
            one.set_title(title, loc="left", fontsize="medium")
    figure.set_facecolor("white")
    FigureCanvasAgg(figure).draw()  # savefig would draw twice, the first time for the layout
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    picture = picture.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(small, format="png", optimize=True)  # with a palette: a third of the bytes
    source = f"data:image/png;base64,{base64.b64encode(small.getvalue()).decode()}"
    text = html.escape(alt, quote=True)
    return Shown(f'<img src="{source}" alt="{text}" style="max-width:100%">', f"Figure: {alt}")


def waveform(
    y: ArrayLike, *, sr: float, ax: Axes | None = None, start: float = 0.0, **style: Any
) -> Axes:
    """Draw a waveform, (n_samples,), over time."""
    ax = ax if ax is not None else new_axes()
    y = np.asarray(y)
    ax.plot(start + np.arange(len(y)) / sr, y, **({"linewidth": 0.7} | style))
    return _finish(ax, "Time (s)", "Amplitude", style.get("label", ""))


def samples(t: ArrayLike, y: ArrayLike, *, ax: Axes | None = None, label: str = "") -> Axes:
    """Draw samples `y` at the times `t`, both (n_samples,), as points on stems."""
    ax = ax if ax is not None else new_axes()
    t, y = np.asarray(t), np.asarray(y)
    ax.vlines(t, 0, y, color=COLOURS["red"], linewidth=0.8, alpha=0.6)
    ax.plot(t, y, "o", color=COLOURS["red"], markersize=4, label=label)
    return _finish(ax, "Time (s)", "Amplitude", label)


def spectrum(
    f: ArrayLike, level_db: ArrayLike, *, unit: str, ax: Axes | None = None, **style: Any
) -> Axes:
    """Draw levels over frequency, both (n_bins,)."""
    ax = ax if ax is not None else new_axes()
    ax.plot(f, level_db, **({"linewidth": 0.9} | style))
    return _finish(ax, "Frequency (Hz)", _level(unit), style.get("label", ""))


def spectrogram(
    level_db: ArrayLike,
    *,
    unit: str,
    sr: float,
    hop_length: int,
    ax: Axes | None = None,
    f_max: float | None = None,
    range_db: float = 80.0,
) -> Axes:
    """Draw levels, (n_frames, n_bins), over time and frequency.

    The bins span 0 Hz to `sr / 2`, which is also the highest frequency shown unless `f_max` is
    given. Levels more than `range_db` below the loudest have the darkest colour.
    """
    ax = ax if ax is not None else new_axes(height=3.2)
    level_db = np.asarray(level_db)
    spacing = sr / 2 / (level_db.shape[1] - 1)  # Hz between bins; a bin is drawn around its middle
    n_drawn = level_db.shape[1] if f_max is None else int(f_max / spacing) + 2
    drawn = level_db[:: max(1, len(level_db) // 1500), :n_drawn]  # more than pixels only cost time
    top = (drawn.shape[1] - 0.5) * spacing
    loudest = float(np.max(level_db))
    extent = (0, len(level_db) * hop_length / sr, -spacing / 2, top)
    colours: Any = {"cmap": "magma", "vmin": loudest - range_db, "vmax": loudest}
    image = ax.imshow(drawn.T, extent=extent, **colours, **_GRID)
    ax.grid(False)
    ax.set_ylim(0, f_max or sr / 2)
    ax.figure.colorbar(image, ax=ax, label=_level(unit), pad=0.01)
    return _finish(ax, "Time (s)", "Frequency (Hz)")


def learning_curve(
    train_loss: Sequence[float],
    validation_loss: Sequence[float],
    *,
    baselines: Mapping[str, float] | None = None,
    unit: str = "mean absolute error",
) -> Axes:
    """Draw the losses by epoch, (n_epochs,), with the loss of each baseline as a horizontal line.

    Those of the baselines are on the validation music; `unit`, what they measure, labels the axis.
    """
    ax = new_axes(height=3.4)
    epochs = np.arange(1, len(train_loss) + 1)
    ax.plot(epochs, train_loss, "-", color=COLOURS["sky"], label="training")
    ax.plot(epochs, validation_loss, "-o", color=COLOURS["blue"], markersize=3, label="validation")
    names = ("orange", "green", "purple", "black", "red")
    for i, (name, loss) in enumerate((baselines or {}).items()):
        colour = COLOURS[names[i % len(names)]]
        ax.axhline(loss, color=colour, linestyle=_STYLES[1 + i % 3], label=f"baseline: {name}")
    ax.xaxis.get_major_locator().set_params(integer=True)
    return _finish(ax, "Epoch", unit.capitalize(), "losses")


def timeline(parts: Mapping[str, tuple[float, float]], *, ax: Axes | None = None) -> Axes:
    """Draw named parts of a sound, each with its start and end, as coloured spans of time."""
    ax = ax if ax is not None else new_axes(height=1.0)
    for i, (name, (start, end)) in enumerate(parts.items()):
        ax.axvspan(start, end, color=_CYCLE[i % len(_CYCLE)], alpha=0.18, linewidth=0, zorder=-1)
        plain = name.replace("$", r"\$")  # a folder's name may hold what begins a formula
        ax.text((start + end) / 2, 1.02, plain, ha="center", transform=ax.get_xaxis_transform())
    return _finish(ax, "Time (s)", ax.get_ylabel())


def heatmap(
    values: ArrayLike,
    *,
    x_label: str,
    y_label: str,
    ax: Axes | None = None,
    label: str | None = "",
    limits: tuple[float, float] | None = None,
    frame_rate: float | None = None,
    lowest: int = 0,
) -> Axes:
    """Draw a matrix, (n_frames, n_rows), as colours, time along the horizontal axis.

    Labels of the axes have units; that of the colour bar is `label`: None draws no bar. Limits are
    the values of the darkest and the lightest colour, else the lowest and the highest. If a frame
    rate is given, in frames/s, rows are notes from the MIDI number `lowest` on, time is in s.
    """
    ax = ax if ax is not None else new_axes(height=2.8)
    values = np.asarray(values).T
    low, high = limits or (None, None)
    extent = _span_notes(ax, values.shape, frame_rate, lowest) if frame_rate else None
    image = ax.imshow(values, cmap="cividis", vmin=low, vmax=high, extent=extent, **_GRID)
    ax.grid(False)
    if label is not None:
        ax.figure.colorbar(image, ax=ax, label=label, pad=0.01)
    return _finish(ax, x_label, y_label)


def piano_roll(
    roll: ArrayLike, *, frame_rate: float, lowest: int, ax: Axes | None = None, start: float = 0.0
) -> Axes:
    """Draw a note roll, with a tick at every C: held notes light, onsets dark, loud ones darker.

    The roll is one of `rolls`, at `frame_rate` frames/s; its first column is the note `lowest`.
    """
    roll = rolls.valid(roll)
    ax = ax if ax is not None else new_axes(height=3.2)
    palette = ListedColormap(["none", COLOURS["sky"], COLOURS["blue"], COLOURS["black"]])
    extent = _span_notes(ax, roll.T.shape, frame_rate, lowest, start)
    ax.imshow(roll.T, cmap=palette, vmin=rolls.OFF, vmax=rolls.LOUD, extent=extent, **_GRID)
    return _finish(ax, "Time (s)", "Note")


def _span_notes(
    ax: Axes, shape: tuple[int, ...], frame_rate: float, lowest: int, start: float = 0.0
) -> tuple[float, float, float, float]:
    """Put a tick at every C; return the extent in seconds and notes of (n_notes, n_frames)."""
    ticks = [pitch for pitch in range(lowest, lowest + shape[0]) if pitch % 12 == 0]
    ax.set_yticks(ticks, [rolls.name(pitch) for pitch in ticks])
    return start, start + shape[1] / frame_rate, lowest - 0.5, lowest + shape[0] - 0.5


def table(
    values: ArrayLike,
    texts: Sequence[Sequence[str]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    limits: tuple[float, float],
    label: str,
) -> Axes:
    """Draw a table whose cells are coloured by a value and carry a text, both (n_rows, n_columns).

    NaN stays white, dark is high. Rows and columns have names; the rest is as in `heatmap`.
    """
    ax = new_axes(height=0.5 + 0.36 * len(rows))
    values, (low, high) = np.asarray(values, float), limits
    image = ax.imshow(values, aspect="auto", cmap="cividis_r", vmin=low, vmax=high)
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > (low + high) / 2 else "black"
        text = texts[row][column]
        ax.text(column, row, text, ha="center", va="center", fontsize="small", color=colour)
    ax.grid(False)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.figure.colorbar(image, ax=ax, label=label, pad=0.01)
    return ax


def diagram(boxes: str, arrows: str, *, height: float = 1.4) -> Axes:
    """Draw boxes with arrows between them, so many inches high.

    Boxes are "name x y text" each, with ";" between; x, y from 0 to 10; "|" in a text begins a
    line. Texts that begin with "~" (data), and + and ×, are plain. Arrows: "from>to from>to".
    """
    ax, drawn = new_axes(height=height), {}
    ax.set(xlim=(0, 10), ylim=(0, 10))
    ax.set_axis_off()
    for name, x, y, text in (box.split(maxsplit=3) for box in boxes.split(";")):
        plain = text.startswith("~") or text in "+×"
        style = {"boxstyle": "round,pad=0.4", "facecolor": "white" if plain else "#cfe8f7"}
        text = text.removeprefix("~").replace("|", "\n")
        drawn[name] = ax.text(float(x), float(y), text, ha="center", va="center", bbox=style)
    for a, b in ([drawn[name] for name in arrow.split(">")] for arrow in arrows.split()):
        ends = {"patchA": a.get_bbox_patch(), "patchB": b.get_bbox_patch()}
        style = {"arrowstyle": "-|>", "facecolor": "black", "shrinkA": 2, "shrinkB": 2, **ends}
        ax.annotate("", xy=b.get_position(), xytext=a.get_position(), arrowprops=style)
    return ax


def curves(
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    *,
    x_label: str,
    y_label: str,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw named lines, each (n_points,), over one axis `x`, told apart by colour and by dashes."""
    ax = ax if ax is not None else new_axes()
    for i, (name, values) in enumerate(lines.items()):
        own = {"color": _CYCLE[i % len(_CYCLE)], "linestyle": _STYLES[i % len(_STYLES)]}
        ax.plot(x, values, label=name, **(own | {"linewidth": 1.3} | style))
    return _finish(ax, x_label, y_label, "lines" if lines else "")


def _level(unit: str) -> str:
    """Name a level and its unit, in two lines if they are long."""
    return textwrap.fill(f"Level ({unit})", 18, break_on_hyphens=False)


def _finish(ax: Axes, x_label: str, y_label: str, label: str = "") -> Axes:
    """Label the axes, show a legend where something has a name, and return them."""
    ax.set(xlabel=x_label, ylabel=y_label)
    if label:  # above the axes, where it hides no data; in as many columns as fit
        names, spec = ax.get_legend_handles_labels()[1], ax.get_subplotspec()
        n_panels = spec.get_gridspec().ncols if spec else 1
        room = 0.12 * ax.figure.bbox.width / n_panels  # characters
        columns = max(1, int(room / (6 + max(map(len, names), default=0))))
        place: Any = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.1}
        ax.legend(ncols=columns, fontsize="small", frameon=False, **place)
    return ax
