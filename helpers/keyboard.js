// A piano that is played with the mouse, fingers or the computer's keys; see interactive.py.

const CODES = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH",
  "KeyU", "KeyJ", "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon"];  // play C, C sharp, D, ...
const N_KEYS = 25;
const WHITE = [0, , 1, , 2, 3, , 4, , 5, , 6];  // the place of a white key in its octave
const WIDTH = 100 / 15;  // of a white key, in percent
const AHEAD = 0.3;  // s by which clicks are scheduled
const PATIENCE = 30;  // s of waiting for an answer until the reader is told what may be wrong

function add(parent, tag, properties, style = "") {
  const made = Object.assign(document.createElement(tag), properties);
  made.style.cssText = style;
  parent.append(made);
  return made;
}

function render({ model, el }) {
  const lowest = model.get("lowest"), highest = model.get("highest"), bars = model.get("bars");
  const box = add(el, "div", {});
  box.setAttribute("data-lm-suppress-shortcuts", "true");  // else JupyterLab takes the letters
  const row = add(box, "div", {}, "display:flex;flex-wrap:wrap;gap:.5em;align-items:center");
  const button = (textContent, onclick) => add(row, "button", {
    textContent, onclick, className: "jupyter-button widget-button",
  }, "width:auto");
  const click = button("Click", () => {
    if (!timer) return count();
    quiet();
    say();
  });
  const label = add(row, "label", { textContent: "Beats a minute " });
  const tempo = add(label, "input", { type: "number", min: 40, max: 200, value: 100 }, "width:4em");
  const lower = button("", () => shift(-12)), higher = button("", () => shift(12));
  button("Answer (Enter)", () => end());
  const piano = add(box, "div", { tabIndex: 0 }, "position:relative;height:9em;max-width:46em;"
    + "margin:.5em 0;touch-action:none;user-select:none");
  piano.setAttribute("role", "application");
  const status = add(box, "p", {});
  status.setAttribute("role", "status");
  const page = add(el, "div", {});

  let first = 60, keys = [], names = {}, context = null, sounds = null;
  let timer = null, begun = 0, next = 0;  // of the click: when it began, when it comes again, s
  let notes = [], zero = 0, beat = 0, limit = null, late = null;  // of the phrase
  const down = new Map(), fingers = new Map();  // what sounds, by pitch; where fingers are, by id
  const seconds = () => performance.now() / 1000;
  const view = String(Math.random());  // a cell may be shown twice: only the piano played answers
  const busy = () => timer || notes.length;  // a new phrase has begun: the last answer is too late
  const letter = (code) => (
    names[code] || code.replace("Key", "").replace("Semicolon", ";")).toUpperCase();
  const say = () => {
    clearTimeout(late);
    if (!busy()) status.textContent = model.get("status");
  };

  function draw() {
    piano.replaceChildren();
    keys = Array.from({ length: N_KEYS }, (_, i) => {
      const white = i % 12 in WHITE, octave = Math.floor(i / 12);
      const left = 7 * octave + (white ? WHITE[i % 12] : WHITE[i % 12 - 1] + 0.7);
      const key = add(piano, "div", {}, "position:absolute;top:0;"
        + `left:${WIDTH * left}%;width:${WIDTH * (white ? 1 : 0.6)}%;height:${white ? 100 : 62}%;`
        + `z-index:${white ? 0 : 1};color:${white ? "#333" : "#fff"};display:flex;`
        + "align-items:end;justify-content:center;box-sizing:border-box;border:1px solid #333;"
        + "border-radius:0 0 4px 4px");
      key.dataset.key = i;
      return key;
    });
    keys.forEach((_, i) => paint(first + i));
    relabel();
  }

  function relabel() {  // and keep the keys: one that is being held must stay
    keys.forEach((key, i) => { key.textContent = letter(CODES[i] || ""); });
    lower.textContent = `Octave down (${letter("KeyZ")})`;
    higher.textContent = `Octave up (${letter("KeyX")})`;
    const octave = first / 12 - 1, codes = CODES.slice(0, 12);
    const white = codes.filter((_, i) => i in WHITE), black = codes.filter((_, i) => !(i in WHITE));
    piano.setAttribute("aria-label", `Piano from C${octave} to C${octave + 2}. The computer's keys `
      + `${white.map(letter).join(", ")} are its lower white keys, `
      + `${black.map(letter).join(", ")} the black ones.`);
  }

  function paint(pitch) {
    const key = keys[pitch - first];
    const rest = pitch % 12 in WHITE ? "#fff" : "#222";
    if (key) key.style.background = down.has(pitch) ? "#56B4E9" : rest;
  }

  function wake() {  // browsers let a page sound only once somebody has touched it
    context = context || new AudioContext();
    context.resume();
  }

  function press(pitch, level, now) {
    if (down.has(pitch) || pitch < lowest || pitch > highest) return;
    wake();
    const gain = new GainNode(context, { gain: level });
    const source = sounds ? new AudioBufferSourceNode(context) : new OscillatorNode(context, {
      type: "triangle", frequency: 440 * 2 ** ((pitch - 69) / 12),
    });  // a plain tone until the sounds have arrived, softer: it doesn't die away
    if (!sounds) gain.gain.value *= 0.2;
    if (sounds) {
      source.buffer = context.createBuffer(1, sounds.length, sounds.sr);
      source.buffer.copyToChannel(sounds.of(pitch), 0);
    }
    source.connect(gain).connect(context.destination);
    source.start();
    if (!notes.length) begin(now);
    const note = [now, now, pitch, level];
    notes.push(note);
    down.set(pitch, { gain, source, note });
    paint(pitch);
  }

  function release(pitch, now) {
    if (!down.has(pitch)) return;
    const { gain, source, note } = down.get(pitch);
    note[1] = now;
    gain.gain.setTargetAtTime(0, context.currentTime, 0.08);
    source.stop(context.currentTime + 0.8);
    down.delete(pitch);
    paint(pitch);
  }

  function releaseAll() {
    const now = seconds();
    [...down.keys()].forEach((pitch) => release(pitch, now));
    fingers.clear();
  }

  function begin(now) {
    page.replaceChildren();
    clearTimeout(late);
    beat = timer ? 60 / tempo.value : 0;
    zero = now;
    if (beat) {  // the phrase lies on the clicks as heard; how late they are is known only now
      const { contextTime, performanceTime } = context.getOutputTimestamp();
      const origin = performanceTime / 1000 + begun - contextTime;
      zero = origin + beat * Math.floor((now - origin) / beat + 0.3);
    }
    const rest = beat ? zero + 4 * bars * beat - now : model.get("longest");
    limit = setTimeout(end, 1000 * rest);
    status.textContent = beat ? `Go on: the answer comes after ${bars} bars.`
      : "Go on; at the end of your phrase, ask for the answer.";
  }

  function end() {
    releaseAll();
    quiet();
    clearTimeout(limit);
    const length = beat ? 4 * bars * beat : seconds() - zero;
    const played = notes.map(([on, off, pitch, level]) => [on - zero, off - zero, pitch, level]);
    notes = [];
    model.set("status", "The answer is being composed ...");  // so that any answer changes it
    clearTimeout(late);
    late = setTimeout(() => {
      status.textContent = "No answer yet: the notebook is busy, or was restarted. "
        + "If it was, run this cell again.";
    }, 1000 * PATIENCE);
    model.send({ notes: played, beat, length, view });
  }

  function count() {
    wake();
    releaseAll();
    notes = [];  // what was struck to try the keys is no phrase
    clearTimeout(limit);
    clearTimeout(late);
    tempo.value = Math.min(Math.max(Number(tempo.value) || 100, 40), 200);  // typing ignores its limits
    piano.focus();  // a click into the piano would already be the first note
    begun = next = context.currentTime + 0.1;
    timer = setInterval(() => {
      for (; next < context.currentTime + AHEAD; next += 60 / tempo.value) {
        const tone = new OscillatorNode(context, { frequency: 1200 });
        const gain = new GainNode(context, { gain: 0.15 });
        gain.gain.setTargetAtTime(0, next, 0.015);
        tone.connect(gain).connect(context.destination);
        tone.start(next);
        tone.stop(next + 0.1);
      }
    }, 50);
    tempo.disabled = true;
    click.setAttribute("aria-pressed", "true");
    click.classList.add("mod-active");
    status.textContent = `The click goes. Your first note begins ${bars} bars of four beats.`;
  }

  function quiet() {
    clearInterval(timer);
    timer = null;
    tempo.disabled = false;
    click.setAttribute("aria-pressed", "false");
    click.classList.remove("mod-active");
  }

  function shift(by) {
    releaseAll();
    first = Math.min(Math.max(first + by, lowest), highest - N_KEYS + 1);
    draw();
  }

  box.onkeydown = (event) => {
    if (event.key === "Meta") releaseAll();  // macOS tells of no key's end while Command is down
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === tempo) return;
    const i = CODES.indexOf(event.code), by = { KeyZ: -12, KeyX: 12 }[event.code];
    const enter = event.key === "Enter" && event.target === piano;
    if (i < 0 && !by && !enter) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat) return;
    if (event.key.length === 1 && !event.shiftKey && names[event.code] !== event.key) {
      names[event.code] = event.key;  // the letter on the key, where the browser has no layout map
      relabel();
    }
    if (enter) end();
    else if (by) shift(by);
    else press(first + i, 1, event.timeStamp / 1000);
  };
  box.onkeyup = (event) => {
    const i = CODES.indexOf(event.code);
    if (i >= 0) release(first + i, event.timeStamp / 1000);
  };
  box.onfocusout = (event) => { if (!box.contains(event.relatedTarget)) releaseAll(); };
  piano.onpointerdown = (event) => {
    const i = event.target.dataset.key;
    if (i === undefined || event.button) return;  // the left button, a finger or a pen
    event.target.setPointerCapture(event.pointerId);
    const { top, height } = event.target.getBoundingClientRect();
    fingers.set(event.pointerId, first + Number(i));  // struck farther down, it is louder
    press(first + Number(i), 0.7 + 0.7 * (event.clientY - top) / height, event.timeStamp / 1000);
  };
  piano.onpointerup = piano.onpointercancel = (event) => {
    release(fingers.get(event.pointerId), event.timeStamp / 1000);
    fingers.delete(event.pointerId);
  };

  function receive(message, buffers) {
    if (message.sr) {
      const { buffer = buffers[0], byteOffset = 0, byteLength } = buffers[0];
      const all = new Int16Array(buffer.slice(byteOffset, byteOffset + byteLength));  // aligned
      const length = all.length / (highest - lowest + 1);
      const of = (pitch) => Float32Array.from(
        all.subarray((pitch - lowest) * length, (pitch - lowest + 1) * length), (x) => x / 32768);
      sounds = { sr: message.sr, length, of };
      return;
    }
    if (message.view !== view || busy()) return;
    page.innerHTML = message.page;
    const sound = page.querySelector("audio");
    if (!sound) return;
    sound.currentTime = message.at;
    sound.play().catch(() => {});  // where that isn't allowed, the reader presses play
  }

  const layout = navigator.keyboard && navigator.keyboard.getLayoutMap;  // not in every browser
  if (layout) {
    layout.call(navigator.keyboard).then((map) => {
      names = { ...Object.fromEntries(map), ...names };  // a key that was struck has said its own
      draw();
    }).catch(() => {});
  }
  model.on("change:status", say);
  model.on("msg:custom", receive);
  model.send({ sounds: true });
  quiet();
  draw();
  say();
  return () => {
    quiet();
    clearTimeout(limit);
    clearTimeout(late);
    if (context) context.close();
    model.off("change:status", say);
    model.off("msg:custom", receive);
  };
}

export default { render };
