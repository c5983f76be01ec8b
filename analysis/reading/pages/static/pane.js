// One image: zoom, place, rotation, window and ruler.

import { Window, tiles } from "./picture.js";

const SPEED = 1 / 400; // of a drag, share of the grey levels a pixel
const STEPS = [0.125, 0.18, 0.25, 0.35, 0.5, 0.71, 1, 1.41, 2, 2.83, 4, 5.66, 8]; // of the image's own pixels
const SVG = "http://www.w3.org/2000/svg";

export class Pane {
  constructor(host, panes) {
    this.panes = panes;
    this.element = document.createElement("section");
    this.element.className = "pane";
    this.element.innerHTML = '<div class="canvas"></div><svg class="ruler" aria-hidden="true"></svg>' +
      '<span class="edge"></span><span class="edge"></span><div class="caption"></div>';
    this.caption = this.element.querySelector(".caption");
    this.edges = [...this.element.querySelectorAll(".edge")];
    this.ruler = this.element.querySelector(".ruler");
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
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: false, pinchToZoom: true, flickEnabled: false },
      keyboardNavEnabled: false,
    });
    this.viewer.innerTracker.keyHandler = null;
    this.viewer.innerTracker.keyDownHandler = null;
    const canvas = this.element.querySelector(".openseadragon-canvas");
    canvas?.setAttribute("aria-hidden", "true");
    canvas?.setAttribute("tabindex", "-1");
    this.viewer.addHandler("tile-drawing", ({ tile, rendered }) => this.source?.refresh(tile, rendered));
    this.viewer.addHandler("update-viewport", () => this.moved());
    // Left to itself the viewer keeps its old zoom when a pane appears or changes its size.
    new ResizeObserver(() => this.measure()).observe(this.element);
    this.element.addEventListener("pointerdown", (event) => this.press(event), true);
    this.element.addEventListener("contextmenu", (event) => event.preventDefault());
    this.element.addEventListener("dblclick", () => this.home());
  }

  show(picture, caption, share = null) {
    this.picture = picture;
    this.window = new Window(picture);
    if (share) this.share = share;
    this.source = tiles(picture, this.window);
    this.ends = null;
    this.viewer.viewport?.setRotation(0, true);
    this.viewer.open(this.source);
    this.element.classList.remove("failed");
    this.name(caption);
    this.mark();
  }

  fail(message) {
    this.picture = this.window = this.source = this.ends = null;
    this.viewer.close();
    this.title = message;
    this.caption.textContent = message;
    this.element.classList.add("failed");
    this.mark();
  }

  // What the image is, the window it is seen through, in the file's own values, and how large it is.
  name(title = this.title) {
    this.title = title;
    if (!this.picture) return;
    const { low, high, inverted } = this.window;
    const { picture } = this;
    const width = Math.round((high - low) * Math.abs(picture.scale || 1));
    const level = Math.round(picture.value((high + low) / 2));
    const zoom = this.viewer.isOpen() ? ` · ${Math.round(100 * this.scale)} %` : "";
    this.caption.textContent = `${title} · W ${width} L ${level}${inverted ? " · inverted" : ""}${zoom}`;
  }

  // Right and left of the patient at the image's edges, which turn with it.
  mark() {
    const turn = this.turn;
    this.edges.forEach((edge, i) => {
      edge.textContent = this.picture?.edges?.[i] ?? "";
      edge.dataset.at = ["left", "top", "right", "bottom"][(2 * i + turn / 90) % 4];
    });
  }

  moved() {
    this.name();
    this.draw();
    this.panes.follow(this);
  }

  // How large an image pixel is on the screen.
  get scale() {
    const { viewport } = this.viewer;
    return viewport ? viewport.viewportToImageZoom(viewport.getZoom(true)) * window.devicePixelRatio : 1;
  }

  get turn() { return ((this.viewer.viewport?.getRotation() ?? 0) % 360 + 360) % 360; }

  // Place, zoom beside that of the whole image, and rotation.
  get place() {
    const { viewport } = this.viewer;
    return { centre: viewport.getCenter(false), zoom: viewport.getZoom(false) / viewport.getHomeZoom(), turn: this.turn };
  }

  set place({ centre, zoom, turn }) {
    const { viewport } = this.viewer;
    if (!viewport) return;
    if (turn !== this.turn) { viewport.setRotation(turn, true); this.mark(); }
    const now = this.place;
    if (Math.abs(now.zoom - zoom) > 1e-6) viewport.zoomTo(zoom * viewport.getHomeZoom(), undefined, true);
    const height = this.picture.height / this.picture.width;
    const leader = this.panes.pane?.picture ?? this.picture;
    const there = new OpenSeadragon.Point(centre.x, (centre.y * height) / (leader.height / leader.width));
    if (Math.hypot(now.centre.x - there.x, now.centre.y - there.y) > 1e-6) viewport.panTo(there, true);
  }

  allow(free) { this.viewer.panHorizontal = this.viewer.panVertical = free; }

  // The right button, or the left one with Shift, changes the window: across its width, up and down its level.
  // By the mode, the left button or a finger does that, too, or draws a line to measure.
  press(event) {
    this.panes.focus(this.panes.panes.indexOf(this));
    if (!this.window || !event.isPrimary) return;
    const { mode } = this.panes;
    const windows = event.button === 2 || (event.button === 0 && (event.shiftKey || mode === "window"));
    if (!windows && !(event.button === 0 && mode === "ruler")) return;
    event.preventDefault();
    event.stopPropagation();
    const from = { x: event.clientX, y: event.clientY, low: this.window.low, high: this.window.high };
    if (!windows) this.ends = [this.point(event), this.point(event)];
    const move = (now) => {
      if (windows) this.drag(from, now);
      else { this.ends[1] = this.point(now); this.draw(); }
    };
    const stop = () => {
      window.removeEventListener("pointermove", move);
      for (const end of ["pointerup", "pointercancel"]) window.removeEventListener(end, stop);
      if (windows) this.panes.remember(this);
    };
    window.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, stop);
  }

  drag({ x, y, low, high }, now) {
    const unit = this.picture.top * SPEED;
    this.level(low, high, (now.clientX - x) * unit, (now.clientY - y) * unit);
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
    this.panes.remember(this);
  }

  // The window as a share of the one that the image opens with.
  get share() {
    const width = this.picture.high - this.picture.low;
    const { low, high, inverted } = this.window;
    return { low: (low - this.picture.low) / width, high: (high - this.picture.low) / width, inverted };
  }

  set share({ low, high, inverted }) {
    const width = this.picture.high - this.picture.low;
    this.window.set(this.picture.low + low * width, this.picture.low + high * width, inverted);
  }

  invert() {
    if (!this.window) return;
    this.window.set(this.window.low, this.window.high, !this.window.inverted);
    this.redraw();
    this.panes.remember(this);
  }

  redraw() {
    this.name();
    this.viewer.forceRedraw();
  }

  // To the next fixed step of size, up or down.
  zoom(up) {
    if (!this.picture) return;
    const now = this.scale;
    const step = up > 0 ? STEPS.find((one) => one > now * 1.05) : STEPS.findLast((one) => one < now / 1.05);
    if (step) this.zoomTo(step);
  }

  // So many pixels of the screen for a pixel of the image.
  zoomTo(scale) {
    const { viewport } = this.viewer;
    if (!this.picture || !viewport) return;
    viewport.zoomTo(viewport.imageToViewportZoom(scale / window.devicePixelRatio));
    viewport.applyConstraints();
  }

  rotate() {
    if (!this.picture) return;
    this.viewer.viewport.setRotation((this.turn + 90) % 360, true);
    this.fit();
    this.mark();
  }

  // By a share of what is in sight.
  pan(right, down) {
    if (!this.picture) return;
    const { width, height } = this.viewer.viewport.getBounds();
    this.viewer.viewport.panBy(new OpenSeadragon.Point((right * width) / 8, (down * height) / 8));
    this.viewer.viewport.applyConstraints();
  }

  // Where in the image a pointer is, in its pixels.
  point(event) {
    const box = this.element.getBoundingClientRect();
    const at = new OpenSeadragon.Point(event.clientX - box.left, event.clientY - box.top);
    return this.viewer.viewport.viewportToImageCoordinates(this.viewer.viewport.pointFromPixel(at, true));
  }

  draw() {
    this.ruler.replaceChildren();
    if (!this.ends || !this.picture) return;
    const [from, to] = this.ends.map((end) =>
      this.viewer.viewport.pixelFromPoint(this.viewer.viewport.imageToViewportCoordinates(end), true));
    const line = document.createElementNS(SVG, "line");
    for (const [name, value] of [["x1", from.x], ["y1", from.y], ["x2", to.x], ["y2", to.y]]) line.setAttribute(name, value);
    const text = document.createElementNS(SVG, "text");
    text.setAttribute("x", to.x + 8);
    text.setAttribute("y", to.y - 8);
    text.textContent = this.length;
    this.ruler.append(line, text);
  }

  get length() {
    const [from, to] = this.ends;
    const pixels = Math.hypot(to.x - from.x, to.y - from.y);
    const { spacing, calibrated } = this.picture;
    if (!spacing) return `${Math.round(pixels)} px (no scale in the file)`;
    return `${(pixels * spacing).toFixed(1)} mm${calibrated ? "" : " at the detector"}`;
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
    this.ends = null;
    this.viewer.viewport.setRotation(0, true);
    this.fit();
    this.redraw();
    this.mark();
    this.draw();
    this.panes.remember(this);
  }
}
