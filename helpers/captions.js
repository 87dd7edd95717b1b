const times = TIMES, sung = sound.closest('figure').querySelectorAll('.sung');
const mark = () => {
  const now = sound.currentTime, last = times.findLastIndex(([from]) => from <= now);
  sung.forEach((one, i) => one.setAttribute('aria-current', i === last && now < times[i][1]));
};
const sing = () => { mark(); if (!sound.paused) requestAnimationFrame(sing); };
sound.addEventListener('play', sing);
sound.addEventListener('seeked', mark);
