// The panes that show the images of an exam side by side.

import { Window, tiles } from "./picture.js";

const SPEED = 1 / 400; // of a drag, share of the grey levels a pixel

class Pane {
  constructor(host, onFocus) {
    this.element = document.createElement("section");
    this.element.className = "pane";
    this.element.innerHTML = '<div class="canvas"></div><div class="caption"></div>';
    this.caption = this.element.lastElementChild;
    host.append(this.element);
    this.viewer = OpenSeadragon({
      element: this.element.firstElementChild,
      drawer: "canvas",
      autoResize: false,
      showNavigationControl: false,
      animationTime: 0.15,
      springStiffness: 12,
      visibilityRatio: 0.3,
      minZoomImageRatio: 0.5,
      maxZoomPixelRatio: 8,
      zoomPerScroll: 1.25,
      immediateRender: true,
      imageSmoothingEnabled: true,
      silenceMultiImageWarnings: true,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: false, scrollToZoom: true, flickEnabled: false },
      keyboardNavEnabled: false,
    });
    this.viewer.innerTracker.keyHandler = null;
    this.viewer.innerTracker.keyDownHandler = null;
    this.viewer.addHandler("tile-drawing", ({ tile, rendered }) => this.source?.refresh(tile, rendered));
    // Left to itself the viewer keeps its old zoom when a pane appears or changes its size.
    new ResizeObserver(() => this.measure()).observe(this.element);
    this.element.addEventListener("pointerdown", (event) => this.press(event, onFocus), true);
    this.element.addEventListener("contextmenu", (event) => event.preventDefault());
    this.element.addEventListener("dblclick", () => this.home());
  }

  show(picture, caption) {
    this.picture = picture;
    this.window = new Window(picture);
    this.source = tiles(picture, this.window);
    this.viewer.open(this.source);
    this.name(caption);
  }

  fail(message) {
    this.picture = this.window = this.source = null;
    this.viewer.close();
    this.title = message;
    this.caption.textContent = message;
  }

  // What the image is, and the window it is seen through.
  name(title = this.title) {
    this.title = title;
    const { low, high, inverted } = this.window;
    const [width, level] = [Math.round(high - low), Math.round((high + low) / 2)];
    this.caption.textContent = `${title} · W ${width} L ${level}${inverted ? " · inverted" : ""}`;
  }

  // The right button, or the left one with Shift, changes the window: across its width, up and down its level.
  press(event, onFocus) {
    onFocus(this);
    if (!this.window || !(event.button === 2 || (event.button === 0 && event.shiftKey))) return;
    event.preventDefault();
    event.stopPropagation();
    const { low, high } = this.window;
    const [x, y] = [event.clientX, event.clientY];
    const unit = this.picture.top * SPEED;
    const move = (now) => this.level(low, high, (now.clientX - x) * unit, (now.clientY - y) * unit);
    const stop = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", stop);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", stop);
  }

  level(low, high, wider, up) {
    const centre = (low + high) / 2 + up;
    const half = Math.max(1, (high - low + wider) / 2);
    this.window.set(centre - half, centre + half);
    this.redraw();
  }

  nudge(wider, up) {
    if (!this.window) return;
    const unit = this.picture.top / 50;
    this.level(this.window.low, this.window.high, 2 * wider * unit, up * unit);
  }

  invert() {
    if (!this.window) return;
    this.window.set(this.window.low, this.window.high, !this.window.inverted);
    this.redraw();
  }

  redraw() {
    this.name();
    this.viewer.forceRedraw();
  }

  zoom(factor) {
    this.viewer.viewport?.zoomBy(factor);
    this.viewer.viewport?.applyConstraints();
  }

  // By a share of what is in sight.
  pan(right, down) {
    if (!this.picture) return;
    const { width, height } = this.viewer.viewport.getBounds();
    this.viewer.viewport.panBy(new OpenSeadragon.Point((right * width) / 8, (down * height) / 8));
    this.viewer.viewport.applyConstraints();
  }

  measure() {
    const { clientWidth: x, clientHeight: y } = this.element;
    if (!x || !y || !this.viewer.viewport) return;
    this.viewer.viewport.resize(new OpenSeadragon.Point(x, y));
    this.fit();
    this.viewer.forceRedraw();
  }

  fit() {
    if (this.picture) this.viewer.viewport?.goHome(true);
  }

  home() {
    if (!this.picture) return;
    this.window.set(this.picture.low, this.picture.high, false);
    this.fit();
    this.redraw();
  }
}

export class Panes {
  constructor(host) {
    this.host = host;
    this.panes = [];
    this.alone = false;
    this.focused = 0;
  }

  // `pictures` holds a Picture or an Error an image.
  show(pictures, captions) {
    while (this.panes.length < pictures.length) this.panes.push(new Pane(this.host, (pane) => this.focus(this.panes.indexOf(pane))));
    this.used = pictures.length;
    pictures.forEach((picture, i) => {
      if (picture instanceof Error) this.panes[i].fail(picture.message);
      else this.panes[i].show(picture, captions[i]);
    });
    this.focus(0);
  }

  focus(number) {
    this.focused = Math.min(Math.max(0, number), Math.max(0, this.used - 1));
    this.panes.forEach((pane, i) => {
      pane.element.hidden = i >= this.used || (this.alone && i !== this.focused);
      pane.element.classList.toggle("focused", i === this.focused && this.used > 1);
    });
    this.host.dataset.count = this.alone ? 1 : this.used;
  }

  get pane() { return this.panes[this.focused]; }

  toggleAlone() {
    this.alone = !this.alone;
    this.focus(this.focused);
  }
}
