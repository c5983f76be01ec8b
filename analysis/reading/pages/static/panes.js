// The panes that show the images of an exam side by side.

import { Pane } from "./pane.js";

const KEPT = "window-kept";

export class Panes {
  constructor(host) {
    this.host = host;
    this.panes = [];
    this.alone = false;
    this.linked = false;
    this.keeps = localStorage.getItem(KEPT) === "yes";
    this.kept = null; // the window of the last exam, as a share of what each image opens with
    this.mode = "move";
    this.focused = 0;
    this.used = 0;
  }

  // `pictures` holds a Picture or an Error an image.
  show(pictures, captions) {
    while (this.panes.length < pictures.length) this.panes.push(new Pane(this.host, this));
    this.used = pictures.length;
    pictures.forEach((picture, i) => {
      if (picture instanceof Error) this.panes[i].fail(picture.message);
      else this.panes[i].show(picture, captions[i], this.keeps ? this.kept : null);
    });
    this.focus(0);
  }

  clear() {
    this.used = 0;
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

  get pane() { return this.used ? this.panes[this.focused] : undefined; }

  get shown() { return this.panes.slice(0, this.used).filter((pane) => pane.picture); }

  toggleAlone() {
    this.alone = !this.alone;
    this.focus(this.focused);
  }

  // Zoom, place and rotation of one pane for all, as shares of each image.
  toggleLinked() {
    this.linked = !this.linked;
    if (this.linked && this.pane?.picture) this.follow(this.pane);
    return this.linked;
  }

  follow(leader) {
    if (!this.linked || this.following) return;
    this.following = true;
    for (const pane of this.shown) if (pane !== leader) pane.place = leader.place;
    this.following = false;
  }

  toggleKeeps() {
    this.keeps = !this.keeps;
    localStorage.setItem(KEPT, this.keeps ? "yes" : "no");
    this.remember(this.pane);
    return this.keeps;
  }

  remember(pane) { if (pane?.picture) this.kept = pane.share; }

  // move, window or ruler: what dragging with the left button, or with a finger, does.
  setMode(mode) {
    this.mode = this.mode === mode ? "move" : mode;
    this.host.dataset.mode = this.mode;
    for (const pane of this.panes) pane.allow(this.mode === "move");
    return this.mode;
  }
}
