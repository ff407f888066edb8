// One chart of an explorer. The kernel holds the data and decides; this draws the marks that it names and tells it what
// mouse and keyboard did. It takes the width of its place; the canvas notes in `data-places` where the axes and the
// colour scale lie (left, top, width, height in CSS pixels) and which stretch of the axes is shown.
const FONT = "12px sans-serif", HEAD = "13px sans-serif";

const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const aligned = (view) => bytes(view).slice().buffer;
const floats = (view) => (view ? new Float32Array(aligned(view)) : null);
const doubles = (view) => (view ? new Float64Array(aligned(view)) : null);
const packed = (colour) => 0xff000000 | (parseInt(colour.slice(5, 7), 16) << 16) | (parseInt(colour.slice(3, 5), 16) << 8) | parseInt(colour.slice(1, 3), 16);
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
const raster = (cols, rows) => Object.assign(document.createElement("canvas"), { width: cols, height: rows });

class Drawing {
  build() {
    const el = this.el;
    el.classList.add("hsikit-chart");
    el.dataset.lmSuppressShortcuts = "true"; // arrows and Enter are ours, not the notebook's
    const make = (tag, name) => Object.assign(document.createElement(tag), { className: name });
    this.plot = make("div", "hsikit-plot");
    this.canvas = make("canvas", "hsikit-central");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.pen = this.canvas.getContext("2d");
    this.legend = make("div", "hsikit-legend");
    this.buttons = make("div", "hsikit-zoom");
    const acts = { "+": ["Zoom in", () => this.zoom(0.8, ...this.middle())],
      "−": ["Zoom out", () => this.zoom(1.25, ...this.middle())], "⌂": ["Show all", () => this.whole()] };
    for (const [label, [title, act]] of Object.entries(acts)) {
      const button = Object.assign(document.createElement("button"), { textContent: label, title, onclick: act });
      button.setAttribute("aria-label", title);
      this.buttons.append(button);
    }
    this.plot.append(this.canvas, this.buttons);
    el.append(this.plot, this.legend);
  }

  resize() {
    const width = Math.max(Math.floor(this.plot.clientWidth), 160), height = Math.max(Math.floor(this.plot.clientHeight), 90);
    const ratio = window.devicePixelRatio || 1;
    if (width === this.width && ratio === this.ratio && height === this.height) return;
    Object.assign(this, { width, height, ratio });
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.draw();
  }

  // --- what the kernel says ---------------------------------------------------------------------

  readHead() {
    const head = this.model.get("head"), before = this.home, all = [head.x_range[0], head.y_range[1], head.x_range[1], head.y_range[0]];
    this.head = head;
    this.home = all; // left, top, right, bottom of the axes; `view` is what is shown of them
    for (const [name, value] of Object.entries(head.size)) this.el.style.setProperty(`--${name}`, value);
    this.canvas.setAttribute("aria-label", head.hint || head.title);
    this.buttons.style.display = head.zoom ? "" : "none";
    if (before && all.every((v, i) => v === before[i])) return;
    if (before && head.zoom === "x" && all[0] === before[0] && all[2] === before[2]) this.view = [this.view[0], all[1], this.view[2], all[3]];
    else this.view = all;
    if (!before) this.readView();
  }

  readView() { // set by a script or by a linked chart
    const told = this.model.get("view");
    const view = told.length === 4 ? told : this.home;
    if (view.every((v, i) => v === this.view[i])) return;
    this.view = [...view];
    this.soon();
  }

  thinned() { // rows and columns that were sent: of very large maps not all
    const { rows, cols, step } = this.head;
    return { rows: Math.ceil(rows / step), cols: Math.ceil(cols / step) };
  }

  read_picture() {
    const { rows, cols } = this.thinned(), rgb = bytes(this.model.get("picture"));
    if (!rows) return;
    this.raster = raster(cols, rows);
    const image = new ImageData(cols, rows), out = new Uint32Array(image.data.buffer);
    for (let i = 0, j = 0; i < out.length; i++, j += 3) out[i] = 0xff000000 | (rgb[j + 2] << 16) | (rgb[j + 1] << 8) | rgb[j];
    this.raster.getContext("2d").putImageData(image, 0, 0);
  }

  read_layers() {
    const { rows, cols } = this.thinned(), palettes = this.model.get("palettes");
    this.layers = this.model.get("layers").map((layer, k) => {
      const made = raster(cols, rows), image = new ImageData(cols, rows), out = new Uint32Array(image.data.buffer);
      const table = new Uint32Array([0, ...(palettes[k] ?? []).map(packed)]), values = bytes(layer);
      for (let i = 0; i < out.length; i++) out[i] = table[values[i]];
      made.getContext("2d").putImageData(image, 0, 0);
      return made;
    });
  }

  read_lines() {
    this.x = doubles(this.model.get("x"));
    this.lines = this.model.get("lines").map((s) => ({ ...s, mean: floats(s.mean), std: floats(s.std), x: doubles(s.x) ?? this.x }));
  }

  read_points() {
    const { palette, size } = this.model.get("dots");
    this.points = palette ? { xy: floats(this.model.get("xy")), tints: bytes(this.model.get("tints")), looks: bytes(this.model.get("looks")),
      colours: new Uint32Array(palette.map(packed)), size } : null;
  }

  read_legend() {
    const kept = document.activeElement?.dataset?.place;
    this.legend.replaceChildren(...this.model.get("legend").map((entry, place) => {
      const button = entry.class_id >= 0, line = document.createElement(button ? "button" : "div"), mark = document.createElement("span");
      mark.className = "hsikit-mark";
      mark.style.background = entry.colour;
      line.append(mark, entry.label);
      if (button) {
        line.dataset.place = place;
        line.title = entry.label;
        line.setAttribute("aria-pressed", entry.shown);
        line.onclick = (e) => this.model.send({ kind: "class", class_id: entry.class_id, ctrl: e.ctrlKey || e.metaKey });
      }
      return line;
    }));
    if (kept !== undefined) this.legend.querySelector(`[data-place="${kept}"]`)?.focus();
  }

  // --- drawing ----------------------------------------------------------------------------------

  soon() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = null; this.draw(); });
  }

  draw() {
    const pen = this.pen;
    this.dress();
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.font = FONT;
    Object.assign(this, places(this.width, this.height, this.head, (words) => pen.measureText(words).width));
    const [x, y, w, h] = this.area, marks = this.model.get("marks");
    pen.fillStyle = this.paper;
    pen.fillRect(0, 0, this.width, this.height);
    pen.save();
    pen.beginPath(); pen.rect(x, y, w, h); pen.clip();
    this.drawPicture();
    for (const box of marks.boxes) this.box(box);
    for (const s of this.lines) this.spectrum(s);
    this.drawPoints();
    for (const outline of marks.outlines) this.path(doubles(outline.x), floats(outline.y), outline.colour, outline.width);
    for (const span of marks.spans) this.span(span);
    for (const cursor of marks.cursors) this.upright(cursor);
    for (const ring of marks.rings) this.ring(ring);
    for (const t of marks.texts) this.text(t.text, this.X(t.x), this.Y(t.y) + 4, t.align);
    this.drawTrail();
    pen.restore();
    this.drawFrame();
    this.drawScale();
    for (const cursor of marks.cursors) this.handle(cursor);
    const told = JSON.stringify({ area: this.area, scale: this.scale, view: this.view, home: this.home });
    if (this.canvas.dataset.places !== told) this.canvas.dataset.places = told;
  }

  dress() { // ink and paper follow the theme; asking for them is slow
    const theme = document.body.dataset.jpThemeName ?? "";
    if (theme === this.theme) return;
    this.theme = theme;
    const style = getComputedStyle(this.canvas), said = (name, or) => style.getPropertyValue(name).trim() || or;
    this.ink = said("--jp-ui-font-color1", "#222222");
    this.paper = said("--jp-layout-color0", "#ffffff");
  }

  drawPicture() {
    if (!this.raster) return;
    const pen = this.pen, [c0, r0, c1, r1] = this.view, place = [...[c0 + 0.5, r0 + 0.5, c1 - c0, r1 - r0].map((v) => v / this.head.step), ...this.area];
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.raster, ...place);
    this.layers.forEach((layer, k) => { pen.globalAlpha = this.model.get("opacities")[k] ?? 1; pen.drawImage(layer, ...place); });
    pen.globalAlpha = 1;
  }

  drawPoints() { // written into an image: ten thousand arcs would take twenty times as long
    if (!this.points) return;
    const { xy, tints, looks, colours, size } = this.points, [x, y, w, h] = this.area, k = this.ratio;
    const wide = Math.round(w * k), high = Math.round(h * k), n = tints.length;
    if (this.cloud?.width !== wide || this.cloud?.height !== high) { this.cloud = raster(wide, high); this.ink32 = new ImageData(wide, high); }
    const out = new Uint32Array(this.ink32.data.buffer).fill(0), stride = n % 7919 ? 7919 : 1; // mixed, so that no class hides another
    const stamp = (px, py, disc, colour) => {
      for (let d = 0; d < disc.length; d += 2) {
        const a = px + disc[d], b = py + disc[d + 1];
        if (a >= 0 && a < wide && b >= 0 && b < high) out[b * wide + a] = colour;
      }
    };
    const [c0, r0, c1, r1] = this.view, ax = wide / (c1 - c0), ay = high / (r1 - r0), dot = disc((size / 2) * k), lit = disc((size / 2) * k), rim = disc((size / 2 + 1.2) * k);
    for (const look of [1, 2, 3]) {
      for (let j = 0, i = 0; j < n; j++, i = (i + stride) % n) {
        if (looks[i] !== look) continue;
        const px = Math.floor((xy[2 * i] - c0) * ax), py = Math.floor((xy[2 * i + 1] - r0) * ay), colour = colours[tints[i]];
        if (look === 3) stamp(px, py, rim, 0xff000000);
        stamp(px, py, look === 3 ? lit : dot, look === 1 ? (colour & 0xffffff) | 0x30000000 : colour);
      }
    }
    this.cloud.getContext("2d").putImageData(this.ink32, 0, 0);
    this.pen.drawImage(this.cloud, x, y, w, h);
  }

  box({ x0, y0, x1, y1, colour, text }) {
    const pen = this.pen, left = this.X(x0), top = this.Y(y0), w = this.X(x1) - left, h = this.Y(y1) - top;
    pen.fillStyle = colour;
    pen.fillRect(left, top, w, h);
    if (text && pen.measureText(text).width <= Math.abs(w)) this.text(text, left + w / 2, top + h / 2 + 4, "center", FONT, dark(colour) ? "#ffffff" : "#000000");
  }

  spectrum(s) {
    if (s.std) this.band(s);
    if (s.wide) this.path(s.x, s.mean, this.paper, s.width + 1.8);
    this.path(s.x, s.mean, s.colour, s.width, s.dash);
    if (!s.dots) return;
    this.pen.fillStyle = s.colour;
    s.x.forEach((v, i) => { this.pen.beginPath(); this.pen.arc(this.X(v), this.Y(s.mean[i]), 3, 0, 2 * Math.PI); this.pen.fill(); });
  }

  path(xs, values, colour, width, dash = []) {
    const pen = this.pen;
    Object.assign(pen, { strokeStyle: colour, lineWidth: width, lineJoin: "round" });
    pen.setLineDash(dash);
    pen.beginPath();
    let down = false;
    values.forEach((v, i) => {
      if (!Number.isFinite(v)) { down = false; return; }
      if (down) pen.lineTo(this.X(xs[i]), this.Y(v)); else pen.moveTo(this.X(xs[i]), this.Y(v));
      down = true;
    });
    pen.stroke();
    pen.setLineDash([]);
  }

  band({ mean, std, colour, x: xs }) {
    const pen = this.pen;
    pen.fillStyle = colour; pen.globalAlpha = 0.2;
    for (let i = 1; i < xs.length; i++) {
      if (![mean[i], mean[i - 1], std[i], std[i - 1]].every(Number.isFinite)) continue;
      pen.beginPath();
      for (const [k, sign] of [[i - 1, 1], [i, 1], [i, -1], [i - 1, -1]]) pen.lineTo(this.X(xs[k]), this.Y(mean[k] + sign * std[k]));
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  span({ low, high }) {
    const [, y, , h] = this.area;
    this.pen.globalAlpha = 0.3; this.pen.fillStyle = "#808080";
    this.pen.fillRect(this.X(low), y, this.X(high) - this.X(low), h);
    this.pen.globalAlpha = 1;
  }

  upright({ x, colour }) {
    const [, y, , h] = this.area;
    this.path([x, x], [this.view[1], this.view[3]], colour, 1.4, [5, 3]);
  }

  handle({ x, colour, name }) { // to drag, at the line's upper end
    const pen = this.pen, [left, y, w] = this.area, at = this.X(x);
    if (at < left || at > left + w) return;
    pen.fillStyle = colour;
    pen.beginPath(); pen.moveTo(at - 5, y - 8); pen.lineTo(at + 5, y - 8); pen.lineTo(at, y); pen.fill();
    this.text(name, at, y - 10, "center", FONT, colour);
  }

  ring({ x, y, colour, text, symbol }) {
    const pen = this.pen, px = this.X(x), py = this.Y(y);
    for (const [stroke, wide] of [["#ffffff", 5], [colour, 2.4]]) {
      Object.assign(pen, { strokeStyle: stroke, lineWidth: wide });
      pen.beginPath();
      if (symbol === "ring") pen.arc(px, py, 6, 0, 2 * Math.PI);
      else if (symbol === "cross") for (const [a, b] of [[8, 0], [0, 8]]) { pen.moveTo(px - a, py - b); pen.lineTo(px + a, py + b); }
      else if (symbol === "star") for (let i = 0; i <= 10; i++) pen.lineTo(px + (i % 2 ? 3.5 : 8) * Math.sin(0.2 * i * Math.PI), py - (i % 2 ? 3.5 : 8) * Math.cos(0.2 * i * Math.PI));
      pen.stroke();
    }
    if (!text) return;
    const right = px > this.area[0] + this.area[2] / 2; // words run towards the middle
    Object.assign(pen, { font: FONT, textAlign: right ? "right" : "left", strokeStyle: "#ffffff", lineWidth: 3 });
    pen.strokeText(text, px + (right ? -10 : 10), py + 4);
    this.text(text, px + (right ? -10 : 10), py + 4, right ? "right" : "left", FONT, "#000000");
  }

  drawTrail() {
    if (!this.trail || this.trail.length < 2) return;
    const brush = this.tool === "brush" ? this.model.get("brush") : null, line = brush ? this.trail : [...this.outline(), this.outline()[0]];
    const pens = brush ? [[brush.colour, Math.max(2, (2 * brush.radius + 1) * Math.abs(this.X(1) - this.X(0)))]] : [["#ffffff", 4], ["#000000", 1.8]];
    for (const [stroke, width] of pens) {
      Object.assign(this.pen, { strokeStyle: stroke, lineWidth: width, lineCap: "round", globalAlpha: brush ? 0.6 : 1 });
      this.pen.beginPath();
      for (const [c, r] of line) this.pen.lineTo(this.X(c), this.Y(r));
      if (!brush) this.pen.closePath();
      this.pen.stroke();
    }
    Object.assign(this.pen, { globalAlpha: 1, lineCap: "butt" });
  }

  drawFrame() { // a whole frame around maps and clouds, two sides for curves
    const pen = this.pen, head = this.head, [x, y, w, h] = this.area, [x0, y0, x1, y1] = this.view;
    Object.assign(pen, { strokeStyle: this.ink, lineWidth: 1 });
    if (!head.frame) { this.text(head.title, 8, y - 9, "left", HEAD); return; }
    if (head.rows || !head.numbers) pen.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1);
    else { pen.beginPath(); pen.moveTo(x - 0.5, y); pen.lineTo(x - 0.5, y + h + 0.5); pen.lineTo(x + w, y + h + 0.5); pen.stroke(); }
    if (this.model.get("marks").cursors.length) this.text(head.title, x + w, y - 9, "right", HEAD); // marks of bands stand at the left
    else { const from = head.zoom ? 74 : 8; this.text(this.fitted(head.title, this.width - from, HEAD), from, y - 9, "left", HEAD); }
    const rows = Math.ceil((13 * head.y_names.length) / h) || 1, cols = Math.ceil((22 * head.x_names.length) / w) || 1; // names that would meet are left out
    head.x_names.forEach((name, i) => { if (i % cols === 0) this.text(name, this.X(i), y + h + 14, "center"); });
    head.y_names.forEach((name, i) => { if (i % rows === 0) this.text(this.fitted(name, x - 6), x - 5, this.Y(i) + 4, "right"); });
    if (head.numbers && !head.x_names.length) for (const t of ticks(x0, x1, clamp(Math.floor(w / 60), 2, 6))) this.text(`${t}`, this.X(t), y + h + 15, "center");
    if (head.numbers && !head.y_names.length) for (const t of ticks(Math.min(y0, y1), Math.max(y0, y1), clamp(Math.floor(h / 28), 2, 6))) this.text(`${t}`, x - 6, this.Y(t) + 4, "right");
    if (head.x_label) this.text(head.x_label, x + w / 2, y + h + (head.numbers ? 31 : 14), "center");
    if (!head.y_label) return;
    pen.save(); pen.translate(x - (head.y_names.length ? this.named + 12 : head.rows ? 42 : head.numbers ? 52 : 8), y + h / 2); pen.rotate(-Math.PI / 2);
    this.text(this.fitted(head.y_label, h + 24), 0, 0, "center");
    pen.restore();
  }

  drawScale() {
    const { low, high, ramp } = this.model.get("scale");
    if (!ramp) return;
    const pen = this.pen, [x, y, w, h] = this.scale, rgb = bytes(ramp);
    for (let i = 0; i < 256; i++) {
      pen.fillStyle = `rgb(${rgb[3 * i]},${rgb[3 * i + 1]},${rgb[3 * i + 2]})`;
      pen.fillRect(x + (i * w) / 256, y, w / 256 + 1, h);
    }
    this.text(low, x - 6, y + h, "right");
    this.text(high, x + w + 6, y + h, "left");
  }

  fitted(words, wide, font = FONT) { // cut where there is no room
    this.pen.font = font;
    let cut = words;
    while (cut.length > 3 && this.pen.measureText(cut).width > wide) cut = `${cut.replace("…", "").slice(0, -1)}…`;
    return cut;
  }

  text(words, x, y, align, font = FONT, fillStyle = this.ink) {
    Object.assign(this.pen, { font, textAlign: align, fillStyle });
    this.pen.fillText(words, x, y);
  }

  X(v) { const [x, , w] = this.area, [x0, , x1] = this.view; return x + ((v - x0) / (x1 - x0)) * w; }
  Y(v) { const [, y, , h] = this.area, [, y0, , y1] = this.view; return y + ((v - y0) / (y1 - y0)) * h; }
}

// Left, top, width and height of the axes and of the colour scale on a canvas of this size.
function places(width, height, head, wide = (words) => 7 * words.length) {
  const named = Math.min(Math.max(0, ...head.y_names.map(wide)), 0.45 * width), x = !!head.x_label, top = head.rows ? 26 : 30;
  const left = Math.round(head.y_names.length ? named + (head.y_label ? 26 : 10) : !head.numbers ? (head.y_label ? 22 : 8) : head.rows ? 58 : 76);
  const below = !head.numbers ? (x ? 20 : 6) : (x ? 40 : 22) + (head.scaled ? 14 : 0), w = width - left - 14, h = Math.max(height - top - below, 24);
  if (!head.rows) return { area: [left, top, w, h], scale: [left, height - 8, w >> 1, 7], named };
  const cols = head.x_range[1] - head.x_range[0], rows = head.y_range[0] - head.y_range[1]; // of what was measured
  const side = Math.min(w / cols, h / rows), shown = [Math.max(Math.round(side * cols), 9), Math.max(Math.round(side * rows), 9)];
  return { area: [left, top, ...shown], scale: [left + (shown[0] >> 2), top + shown[1] + (x ? 38 : 24), shown[0] >> 1, 7], named };
}

function disc(radius) { // offsets of the pixels of a disc
  const found = [], r = Math.ceil(radius);
  for (let b = -r; b <= r; b++) for (let a = -r; a <= r; a++) if (Math.hypot(a, b) <= radius) found.push(a, b);
  return found;
}

function dark(colour) { return [1, 3, 5].reduce((sum, i) => sum + parseInt(colour.slice(i, i + 2), 16), 0) < 330; }

function ticks(low, high, most) {
  const raw = (high - low) / most, unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find((m) => m * unit >= raw), found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(6)));
  return found;
}
