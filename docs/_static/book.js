// On a phone a picture that is too wide scrolls (book.css), by keys, too; a tap jumps to a moment.
const stops = () =>
  document.querySelectorAll(".picture").forEach((picture) => {
    picture.tabIndex = picture.scrollWidth > picture.clientWidth ? 0 : -1;
  });
window.addEventListener("load", stops);
window.addEventListener("resize", stops);
document.addEventListener("click", (event) => {
  const line = event.target.closest(".picture")?.querySelector(".playhead");
  if (!line || getComputedStyle(line).pointerEvents !== "none") return; // a mouse moves the line
  const place = line.getBoundingClientRect(), [from, to] = [Number(line.min), Number(line.max)];
  line.value = from + ((to - from) * (event.clientX - place.left)) / place.width;
  line.dispatchEvent(new Event("input"));
});
