"""How a notebook looks: what sticks out of it, overlaps, is cut off or hard to read."""

import contextlib
from pathlib import Path

import browsing
from axe_playwright_python.sync_playwright import Axe

THEMES = ("JupyterLab Light", "JupyterLab Dark")
WIDTHS = (1280, 1920)
FOLDER = Path(__file__).parents[2] / "outputs" / "screenshots"  # to be looked at
FAULTS = """() => {
  const said = [], seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const name = (e) => `<${e.localName}> ${(e.getAttribute("aria-label") || e.alt || e.textContent
    || e.className).trim().slice(0, 60)}`;
  const wide = (e) => e.scrollWidth > e.clientWidth + 1;
  const notebook = document.querySelector(".jp-Notebook");
  for (let e = notebook; e && e !== document.body; e = e.parentElement) {
    if (wide(e)) said.push(`${e.className}: scrolls sideways`);
  }
  const parts = "audio, button, figcaption, img, input, label, meter, p, pre, select, table, "
    + "textarea, .noUi-target, .widget-label, .widget-readout, [role=application]";
  for (const area of document.querySelectorAll(".jp-OutputArea-output")) {
    if (!seen(area)) continue;
    if (wide(area)) said.push(`${name(area)}: scrolls sideways`);
    const whole = area.getBoundingClientRect();
    const all = [...area.querySelectorAll(parts)].filter((e) => seen(e) && e.offsetWidth)
      .map((e) => ({ e, box: e.getBoundingClientRect(), hides: getComputedStyle(e).overflowX }));
    for (const [i, { e, box, hides }] of all.entries()) {
      const out = Math.max(whole.left - box.left, box.right - whole.right,
        whole.top - box.top, box.bottom - whole.bottom);
      if (out > 1) said.push(`${name(e)}: sticks out by ${out.toFixed(0)} px`);
      if (hides !== "visible" && e.textContent && wide(e)) said.push(`${name(e)}: cut off`);
      if (e.localName === "select") {
        const pen = document.createElement("canvas").getContext("2d"), look = getComputedStyle(e);
        pen.font = look.font;
        const room = e.clientWidth - parseFloat(look.paddingLeft) - parseFloat(look.paddingRight);
        const [option] = e.selectedOptions;
        if (option && pen.measureText(option.text).width > room + 1) {
          said.push(`${name(option)}: cut off in its menu`);
        }
      }
      for (const { e: other, box: its } of all.slice(i + 1)) {
        if (e.contains(other) || other.contains(e)) continue;
        if ([e, other].some((one) => one.className === "playhead")) continue;  // over its picture
        const across = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const down = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (e.localName === "img" && other.localName === "audio" && down > 1) {
          said.push(`${name(other)}: stands beside ${name(e)}`);
        }
        if (across > 1 && down > 1) said.push(`${name(e)}: overlaps ${name(other)}`);
      }
    }
  }
  return said;
}"""


@contextlib.contextmanager
def of(page, theme, width):
    """Give JupyterLab a theme, and its window a width, and such a height that all is in sight."""
    page.set_viewport_size({"width": width, "height": 1000})
    change = "theme => jupyterapp.commands.execute('apputils:change-theme', { theme })"
    page.evaluate(change, theme)
    page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    page.locator("#jupyterlab-splash").wait_for(state="detached")  # till then, all is hidden
    page.evaluate(browsing.SETTLED)  # colours fade in from those of the other theme
    height = page.locator(".jp-WindowedPanel-inner").evaluate("e => e.scrollHeight")
    page.set_viewport_size({"width": width, "height": height + 200})
    # JupyterLab's body has no height of its own, so that axe would take all in it for hidden
    page.locator(".jp-WindowedPanel-outer").evaluate("e => e.scrollTo(0, 0)")
    page.evaluate("document.documentElement.style.height = document.body.style.height = '100%'")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    try:
        yield
    finally:
        page.set_viewport_size({"width": 1300, "height": 1600})


def faults(page):
    """Tell what is out of its place."""
    return page.evaluate(FAULTS)


def hard_to_read(page):
    """Tell which texts in outputs have too little contrast (WCAG 2, AA)."""
    options = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
    found = Axe().run(page, context={"include": [[".jp-OutputArea"]]}, options=options)
    return [
        f"{node['html'][:100]}: {node['any'][0]['message']}"
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]
