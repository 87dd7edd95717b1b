// The reader's own voice, from the browser's microphone to Python; see interactive.Recorder.
//
// The samples come from an audio worklet, not from the browser's own recorder, which would code them
// with losses; and they travel as a message, not as the state of a widget, which a notebook would
// store. The microphone is asked for when the button is pressed, and released at the end.

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
    button.ariaDisabled = false;
    button.textContent = "Record";
  };
  const say = () => { status.textContent = model.get("status"); };
  const hear = (message) => { heard.innerHTML = message.player; };

  async function begin() {
    button.ariaDisabled = true;
    try {
      stop = await record((peak) => { level.value = peak; });
    } catch (error) {
      idle();
      status.textContent = `${WHY[error.name] || "The microphone can't be used here."} `
        + "The notebook goes on with the shipped sound.";
      return;
    }
    button.ariaDisabled = false;
    button.textContent = "Stop";
    status.textContent = `Recording, for ${model.get("seconds")} seconds at most ...`;
    timer = setTimeout(end, 1000 * model.get("seconds"));
  }

  async function end() {
    clearTimeout(timer);
    button.ariaDisabled = true;
    const { samples, sr } = await stop();
    idle();
    model.send({ sr }, undefined, [samples.buffer]);
  }

  button.onclick = () => { // a button that is disabled would lose the keyboard's focus
    if (button.ariaDisabled !== "true") (stop ? end() : begin());
  };
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
