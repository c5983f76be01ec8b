// A radiograph in the browser: every grey level, in a pyramid of halved sizes, shown through a window.

import { Away, ask } from "./talk.js";

const SMALLEST = 512;
const TILE = 512;
const OVERLAP = 1;

const HEAD = 32;

// Pixels as the server packs them: a head of eight numbers, then 16 bits a pixel.
export class Picture {
  constructor(buffer) {
    const head = new DataView(buffer, 0, HEAD);
    const [width, height] = [head.getUint32(0, true), head.getUint32(4, true)];
    this.low = head.getInt32(8, true);
    this.high = head.getInt32(12, true);
    // The file's own value is offset + scale * grey; without a scale the values mean nothing beyond what is shown.
    this.offset = head.getFloat32(16, true);
    this.scale = head.getFloat32(20, true);
    this.spacing = head.getFloat32(24, true); // mm a pixel, 0 where unknown
    const marks = head.getUint32(28, true);
    this.calibrated = Boolean(marks & 1);
    this.edges = marks & 2 ? ["R", "L"] : null; // of the patient, at the left and at the right
    this.levels = [{ width, height, grey: new Uint16Array(buffer, HEAD, width * height) }];
    while (Math.max(this.levels[0].width, this.levels[0].height) > SMALLEST) {
      this.levels.unshift(halved(this.levels[0]));
    }
    let top = 1;
    const grey = this.levels.at(-1).grey;
    for (let i = 0; i < grey.length; i += 1) if (grey[i] > top) top = grey[i];
    this.top = top;
  }

  get width() { return this.levels.at(-1).width; }
  get height() { return this.levels.at(-1).height; }

  // A grey level as the file has it.
  value(grey) { return this.scale ? this.offset + this.scale * grey : grey; }

  static async load(url) {
    const answer = await ask("GET", url);
    try {
      return new Picture(await answer.arrayBuffer());
    } catch {
      throw new Away("The image did not come through.");
    }
  }
}

// Averages of two by two; at an odd edge, of what there is. Sizes are rounded up, as the viewer expects.
function halved({ width, height, grey }) {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const out = new Uint16Array(w * h);
  for (let y = 0; y < h; y += 1) {
    const above = 2 * y * width;
    const below = Math.min(2 * y + 1, height - 1) * width;
    for (let x = 0; x < w; x += 1) {
      const left = 2 * x;
      const right = Math.min(2 * x + 1, width - 1);
      out[y * w + x] = (grey[above + left] + grey[above + right] + grey[below + left] + grey[below + right] + 2) >> 2;
    }
  }
  return { width: w, height: h, grey: out };
}

// What a grey level looks like: low is black, high is white, or the other way round.
export class Window {
  constructor(picture) {
    Object.assign(this, { low: picture.low, high: picture.high, inverted: false, version: 0 });
    this.table = new Uint32Array(picture.top + 1);
    this.fill();
  }

  set(low, high, inverted = this.inverted) {
    Object.assign(this, { low, high: Math.max(high, low + 1), inverted });
    this.fill();
  }

  fill() {
    const scale = 255 / (this.high - this.low);
    for (let value = 0; value < this.table.length; value += 1) {
      let shown = Math.min(255, Math.max(0, Math.round((value - this.low) * scale)));
      if (this.inverted) shown = 255 - shown;
      this.table[value] = (0xff000000 | (shown << 16) | (shown << 8) | shown) >>> 0;
    }
    this.version += 1;
  }
}

let number = 0;

// A source of tiles for OpenSeadragon, which are drawn here and not fetched.
export function tiles(picture, view) {
  const { width, height } = picture;
  const highest = picture.levels.length - 1;
  const name = `picture-${(number += 1)}`;
  const source = new OpenSeadragon.TileSource({
    width, height, tileSize: TILE, tileOverlap: OVERLAP, minLevel: 0, maxLevel: highest,
  });
  const place = (level, x, y) => {
    const size = picture.levels[level];
    const left = Math.max(0, x * TILE - OVERLAP);
    const top = Math.max(0, y * TILE - OVERLAP);
    const right = Math.min(size.width, (x + 1) * TILE + OVERLAP);
    const bottom = Math.min(size.height, (y + 1) * TILE + OVERLAP);
    return { left, top, width: right - left, height: bottom - top };
  };
  source.getTileUrl = (level, x, y) => `${name}/${level}/${x}/${y}`;
  source.getTilePostData = (level, x, y) => ({ level, x, y });
  source.getTileHashKey = (level, x, y, url) => url;
  source.hasTransparency = () => false;
  source.downloadTileAbort = () => {};
  source.downloadTileStart = (job) => {
    const { level, x, y } = job.postData;
    const { width: w, height: h } = place(level, x, y);
    const canvas = document.createElement("canvas");
    canvas.width = w;
    canvas.height = h;
    const context = canvas.getContext("2d", { alpha: false });
    paint(context, level, x, y);
    job.finish(context, null, "context2d");
  };
  const paint = (context, level, x, y) => {
    const { left, top, width: w, height: h } = place(level, x, y);
    const { width: stride, grey } = picture.levels[level];
    const image = context.createImageData(w, h);
    const out = new Uint32Array(image.data.buffer);
    const { table } = view;
    for (let row = 0; row < h; row += 1) {
      const from = (top + row) * stride + left;
      for (let column = 0; column < w; column += 1) out[row * w + column] = table[grey[from + column]];
    }
    context.putImageData(image, 0, 0);
    context.canvas.shownVersion = view.version;
  };
  // Called just before a tile is drawn: only what is on the screen is painted again when the window changes.
  source.refresh = (tile, context) => {
    if (context.canvas.shownVersion !== view.version) paint(context, tile.level, tile.x, tile.y);
  };
  return source;
}
