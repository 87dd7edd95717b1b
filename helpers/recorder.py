"""The reader's own voice: from the browser's microphone to a WAV file.

The samples come from an audio worklet, not from the browser's own recorder, which would code them
with losses; and they travel as a message, not as the state of a widget, which a notebook would
store. The microphone is asked for when the button is pressed, and released at the end.
"""

from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets

from helpers import audio, interactive

VOICE = "my_voice.wav"  # what `load_voice` looks for in a folder

_SCRIPT = """
const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process(inputs) {
    if (inputs[0].length) this.port.postMessage(inputs[0][0].slice());
    return true;
  }
});`;

const WHY = {
  NotAllowedError: "The microphone was refused, by you, the browser or the editor.",
  NotFoundError: "No microphone was found.",
  NotReadableError: "The microphone is in use by another program.",
};

// Start to record; the promise returns a function that stops and returns the samples.
async function record(onLevel) {
  if (!navigator.mediaDevices) throw { name: "NotAllowedError" };
  const unchanged = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: unchanged });
  const context = new AudioContext();
  const release = () => {
    stream.getTracks().forEach((track) => track.stop());
    return context.close();
  };
  const chunks = [];
  try {
    const url = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    await context.audioWorklet.addModule(url).finally(() => URL.revokeObjectURL(url));
    const mono = { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" };
    const tap = new AudioWorkletNode(context, "tap", mono);
    tap.port.onmessage = ({ data }) => {
      chunks.push(data);
      onLevel(data.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
    };
    context.createMediaStreamSource(stream).connect(tap);
    await context.resume();
  } catch (error) {
    await release();
    throw error;
  }
  return async () => {
    await release();
    const samples = new Float32Array(chunks.reduce((n, chunk) => n + chunk.length, 0));
    chunks.reduce((n, chunk) => (samples.set(chunk, n), n + chunk.length), 0);
    return { samples, sr: context.sampleRate };
  };
}

function render({ model, el }) {
  const row = document.createElement("div");
  const button = document.createElement("button");
  button.className = "jupyter-button widget-button";
  button.style.width = "auto";
  const level = document.createElement("meter");
  level.setAttribute("aria-label", "Level of the microphone");
  level.style.margin = "0 1em";
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const heard = document.createElement("div");
  row.append(button, level);
  el.append(row, status, heard);

  let stop = null, timer = null;
  const idle = () => {
    stop = null;
    level.value = 0;
    button.disabled = false;
    button.textContent = "Record";
  };
  const say = () => { status.textContent = model.get("status"); };
  const hear = (message) => { heard.innerHTML = message.player; };

  async function begin() {
    button.disabled = true;
    try {
      stop = await record((peak) => { level.value = peak; });
    } catch (error) {
      idle();
      status.textContent = `${WHY[error.name] || "The microphone can't be used here."} `
        + "The notebook goes on with the shipped sound.";
      return;
    }
    button.disabled = false;
    button.textContent = "Stop";
    status.textContent = `Recording, for ${model.get("seconds")} seconds at most ...`;
    timer = setTimeout(end, 1000 * model.get("seconds"));
  }

  async function end() {
    clearTimeout(timer);
    button.disabled = true;
    const { samples, sr } = await stop();
    idle();
    model.send({ sr }, undefined, [samples.buffer]);
  }

  button.onclick = () => (stop ? end() : begin());
  model.on("change:status", say);
  model.on("msg:custom", hear);
  idle();
  say();
  return () => {
    clearTimeout(timer);
    if (stop) stop();
    model.off("change:status", say);
    model.off("msg:custom", hear);
  };
}

export default { render };
"""


class Recorder(anywidget.AnyWidget):
    """A button that records from the browser's microphone, if the reader consents, to a WAV file.

    Without a microphone, or without consent, it says so, and writes nothing.

    Parameters
    ----------
    path : str or Path
        WAV file to write, mono and at the microphone's own rate. Its folder is made if missing.
    seconds : float
        Longest recording, in seconds, from 1 to 60.

    Raises
    ------
    ValueError
        If `path` isn't a WAV file, or `seconds` is out of range.
    """

    _esm = _SCRIPT
    seconds = traitlets.Float().tag(sync=True)
    status = traitlets.Unicode("Press the button, and speak or sing.").tag(sync=True)

    def __init__(self, path: str | Path, *, seconds: float = 5.0) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() != ".wav":
            raise ValueError(f"path must end in .wav, got {self._path.name!r}")
        if not 1 <= seconds <= 60:
            raise ValueError(f"seconds must lie between 1 and 60 s, got {seconds}")
        super().__init__(seconds=float(seconds))
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return f"Recorder({self._path.name!r}, seconds={self.seconds:g})"

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Write what the browser recorded, let it be heard, and say what happened."""
        try:
            sr = int(content["sr"])
            y = _samples(buffers)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            audio.save(self._path, np.clip(y, -1, 1), sr=sr)
            player = interactive.player(y, sr=sr, label="your recording", lossless=True)
        except (KeyError, ValueError, OSError, audio.AudioError) as fault:
            self.status = f"Nothing was recorded: {fault}"
            return
        self.status = f"Recorded {len(y) / sr:.1f} s at {sr} Hz: {self._path}"
        self.send({"player": player.html})


def load_voice(folder: str | Path, *, sr: int) -> audio.Waveform | None:
    """Load what the reader recorded in notebook 01, at a peak of 0.5, for microphones differ.

    Parameters
    ----------
    folder : str or Path
        Where `VOICE` lies: ``"../outputs/01"``.
    sr : int
        Sampling rate of the result, Hz.

    Returns
    -------
    y : ndarray of float32, shape (n_samples,), or None
        None if nothing was recorded, or what was can't be read.
    """
    try:
        y = audio.load(Path(folder) / VOICE, sr=sr)
    except audio.AudioError:
        return None
    return y * np.float32(0.5 / max(float(np.abs(y).max()), 1e-4))


def _samples(buffers: list[Any]) -> npt.NDArray[np.float32]:
    """Read float32 samples from a message; raise ValueError if there are none."""
    y = np.frombuffer(b"".join(buffers), dtype="<f4").astype(np.float32)
    if not np.any(y):
        raise ValueError("the microphone gave no sound; is it muted?")
    return y
