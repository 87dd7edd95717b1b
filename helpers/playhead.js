const sound = this, line = document.createElement('input');
Object.assign(line, {type: 'range', className: 'playhead', step: 'any'}, RANGE);
line.style.cssText = PLACE;
line.setAttribute('aria-label', NAME);
line.setAttribute('data-lm-suppress-shortcuts', 'true');
const draw = () => {
  line.value = sound.currentTime;
  line.setAttribute('aria-valuetext', (START + sound.currentTime).toFixed(1) + ' seconds');
};
const follow = () => { draw(); if (!sound.paused) requestAnimationFrame(follow); };
sound.onplay = follow;
sound.ontimeupdate = sound.onseeked = draw;
line.oninput = () => { sound.currentTime = line.value; };
sound.closest('figure').querySelector('div').append(line);
sound.onloadedmetadata = null;
draw();
