// The map <-> spectrum view of a SpectraExplorer. The kernel holds the cube and decides; this draws what it says and
// tells it where the mouse or the keyboard was. It takes the width of its cell; the canvas notes in `data-places` where
// map, scale and spectra lie (left, top, width, height in CSS pixels) and what is zoomed to.
const FONT = "12px sans-serif", HEAD = "13px sans-serif", CLICK = 4, DOUBLE_MS = 400, NARROW = 900, HIGH = 360, STACKED = 340;

function bytes(view) { return new Uint8Array(view.buffer, view.byteOffset, view.byteLength); }
function floats(view) { return view ? new Float32Array(bytes(view).slice().buffer) : null; }
function ints(view) { return new Int32Array(bytes(view).slice().buffer); }

class Central {
  constructor(model, el) {
    this.model = model;
    this.fixed = model.get("fixed");
    this.trail = null; this.pan = null; this.mark = null; this.asked = null; this.spot = null; this.clicked = null;
    this.raster = document.createElement("canvas");
    this.raster.width = this.fixed.cols; this.raster.height = this.fixed.rows;
    this.build(el);
    this.home(); this.homeAxes();
    this.listen();
    this.readPixels(); this.readSpectra(); this.readLegend();
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(el);
    this.resize();
  }

  home() { this.window = [-0.5, -0.5, this.fixed.cols - 0.5, this.fixed.rows - 0.5]; } // columns and rows that are shown
  homeAxes() { this.span = [...this.fixed.span]; } // first and last wavelength that are shown

  build(el) {
    this.el = el;
    Object.assign(el.style, { position: "relative", width: "100%" });
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.className = "hsikit-central";
    el.dataset.lmSuppressShortcuts = "true"; // arrows and Enter are ours, not the notebook's
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", this.fixed.hint);
    this.pen = this.canvas.getContext("2d");
    this.legend = document.createElement("div");
    this.legend.className = "hsikit-legend";
    this.pointer = document.createElement("div");
    this.pointer.className = "hsikit-pointer";
    this.buttons = document.createElement("div");
    this.buttons.className = "hsikit-zoom";
    const acts = { "+": ["Zoom into the map", () => this.zoom(0.8, ...this.middle())],
      "−": ["Zoom out of the map", () => this.zoom(1.25, ...this.middle())], "⌂": ["Show all", () => this.whole()] };
    for (const [label, [title, act]] of Object.entries(acts)) {
      const button = Object.assign(document.createElement("button"), { textContent: label, title, onclick: act });
      button.setAttribute("aria-label", title);
      this.buttons.append(button);
    }
    el.append(this.canvas, this.buttons, this.pointer, this.legend);
  }

  resize() {
    const width = Math.max(Math.floor(this.el.clientWidth), 320), ratio = window.devicePixelRatio || 1;
    if (width === this.width && ratio === this.ratio) return;
    Object.assign(this, { width, ratio }, places(width, this.fixed.rows, this.fixed.cols));
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(this.height * ratio) });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${this.height}px` });
    this.draw();
  }

  // --- what the kernel says ---------------------------------------------------------------------

  listen() {
    this.heard = [];
    const on = (names, act) => names.forEach((n) => { this.model.on(`change:${n}`, act); this.heard.push([`change:${n}`, act]); });
    on(["pixels"], () => { this.readPixels(); this.soon(); });
    on(["spectra"], () => { this.readSpectra(); this.soon(); });
    on(["picture", "cursors", "axis", "rings"], () => this.soon());
    on(["legend"], () => this.readLegend());
    on(["pointer"], () => { this.asked = null; this.pointer.textContent = this.model.get("pointer"); });
    const mouse = { pointerdown: "down", pointermove: "move", pointerup: "up", wheel: "wheel", dblclick: "double", keydown: "key" };
    for (const [name, method] of Object.entries(mouse)) this.canvas.addEventListener(name, (e) => this[method](e));
    this.canvas.addEventListener("contextmenu", (e) => e.stopPropagation()); // the browser's own: save the image
  }

  readPixels() {
    const { rows, cols } = this.fixed, rgb = bytes(this.model.get("pixels"));
    const image = new ImageData(cols, rows), out = new Uint32Array(image.data.buffer);
    for (let i = 0, j = 0; i < out.length; i++, j += 3) out[i] = 0xff000000 | (rgb[j + 2] << 16) | (rgb[j + 1] << 8) | rgb[j];
    this.raster.getContext("2d").putImageData(image, 0, 0);
  }

  readSpectra() {
    this.spectra = this.model.get("spectra").map((s) => ({ ...s, mean: floats(s.mean), std: floats(s.std) }));
  }

  readLegend() {
    const kept = document.activeElement?.dataset?.place;
    this.legend.replaceChildren(...this.model.get("legend").map((entry, place) => {
      const line = document.createElement(entry.class_id ? "button" : "div"), mark = document.createElement("span");
      mark.className = "hsikit-mark";
      mark.style.background = entry.colour;
      line.append(mark, entry.label);
      if (entry.class_id) {
        line.dataset.place = place;
        line.title = `Show or hide the mean of ${entry.label}`;
        line.setAttribute("aria-pressed", entry.shown);
        line.onclick = () => this.model.send({ kind: "class", class_id: entry.class_id });
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
    pen.fillStyle = this.paper;
    pen.fillRect(0, 0, this.width, this.height);
    this.drawMap();
    this.drawScale();
    this.drawAxes();
    this.drawSpectra();
    this.drawTrail();
    const { map, scale, axes, window, span } = this, told = JSON.stringify({ map, scale, axes, window, span });
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

  drawMap() {
    const pen = this.pen, [x, y, w, h] = this.map, [c0, r0, c1, r1] = this.window;
    pen.save();
    pen.beginPath(); pen.rect(x, y, w, h); pen.clip();
    pen.imageSmoothingEnabled = false;
    const place = [c0 + 0.5, r0 + 0.5, c1 - c0, r1 - r0, x, y, w, h];
    pen.drawImage(this.raster, ...place);
    for (const ring of this.model.get("rings")) this.ring(ring);
    pen.restore();
    pen.strokeStyle = this.ink; pen.lineWidth = 1; pen.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1);
    this.text(this.model.get("picture").title, 74, y - 9, "left", HEAD);
    for (const t of ticks(c0, c1, 5)) this.text(`${t}`, this.mapX(t), y + h + 15, "center");
    for (const t of ticks(r0, r1, 5)) this.text(`${t}`, x - 6, this.mapY(t) + 4, "right");
    this.text(this.fixed.column, x + w / 2, y + h + 31, "center");
    this.upright(this.fixed.row, 16, y + h / 2);
  }

  ring({ x, y, colour }) {
    const pen = this.pen;
    for (const [stroke, wide] of [["#ffffff", 5], [colour, 2.4]]) {
      pen.beginPath(); pen.arc(this.mapX(x), this.mapY(y), 6, 0, 2 * Math.PI);
      pen.strokeStyle = stroke; pen.lineWidth = wide; pen.stroke();
    }
  }

  drawScale() {
    const { low, high, ramp } = this.model.get("picture");
    if (!ramp) return;
    const pen = this.pen, [x, y, w, h] = this.scale, rgb = bytes(ramp);
    for (let i = 0; i < 256; i++) {
      pen.fillStyle = `rgb(${rgb[3 * i]},${rgb[3 * i + 1]},${rgb[3 * i + 2]})`;
      pen.fillRect(x + (i * w) / 256, y, w / 256 + 1, h);
    }
    this.text(low, x - 6, y + h, "right");
    this.text(high, x + w + 6, y + h, "left");
  }

  drawAxes() {
    const pen = this.pen, [x, y, w, h] = this.axes, axis = this.model.get("axis");
    pen.strokeStyle = this.ink; pen.lineWidth = 1;
    pen.beginPath(); pen.moveTo(x - 0.5, y); pen.lineTo(x - 0.5, y + h + 0.5); pen.lineTo(x + w, y + h + 0.5); pen.stroke();
    this.text(this.fixed.spectra_title, x + w, y - 9, "right", HEAD); // marks of bands stand at the left
    for (const t of ticks(...this.span, 6)) this.text(`${t}`, this.axisX(t), y + h + 15, "center");
    for (const t of ticks(axis.low, axis.high, 6)) this.text(`${t}`, x - 6, this.axisY(t) + 4, "right");
    this.text(this.fixed.wave, x + w / 2, y + h + 31, "center");
    this.upright(axis.unit, x - 52, y + h / 2);
  }

  drawSpectra() {
    const pen = this.pen, [x, y, w, h] = this.axes;
    pen.save();
    pen.beginPath(); pen.rect(x, y, w, h); pen.clip();
    for (const s of this.spectra) {
      if (s.std) this.band(s);
      if (s.wide) this.line(s.mean, this.paper, 4);
      this.line(s.mean, s.colour, s.wide ? 2.2 : 1.4);
    }
    pen.globalAlpha = 0.3; pen.fillStyle = "#808080";
    for (const [low, high] of this.fixed.bad) pen.fillRect(this.axisX(low), y, this.axisX(high) - this.axisX(low), h);
    pen.globalAlpha = 1; pen.lineWidth = 1.4; pen.setLineDash([5, 3]);
    const cursors = this.model.get("cursors");
    for (const { at, colour } of cursors) {
      pen.strokeStyle = colour; pen.beginPath(); pen.moveTo(this.axisX(at), y); pen.lineTo(this.axisX(at), y + h); pen.stroke();
    }
    pen.restore();
    for (const { at, colour, name } of cursors) { // a handle to drag, beside the line's upper end
      pen.fillStyle = colour;
      const left = this.axisX(at);
      if (left < x || left > x + w) continue;
      pen.beginPath(); pen.moveTo(left - 5, y - 8); pen.lineTo(left + 5, y - 8); pen.lineTo(left, y); pen.fill();
      this.text(name, left, y - 10, "center", FONT, colour);
    }
  }

  line(values, colour, width) {
    const pen = this.pen, xs = this.fixed.x;
    pen.strokeStyle = colour; pen.lineWidth = width; pen.lineJoin = "round"; pen.beginPath();
    let down = false;
    values.forEach((v, i) => {
      if (!Number.isFinite(v)) { down = false; return; }
      if (down) pen.lineTo(this.axisX(xs[i]), this.axisY(v)); else pen.moveTo(this.axisX(xs[i]), this.axisY(v));
      down = true;
    });
    pen.stroke();
  }

  band({ mean, std, colour }) {
    const pen = this.pen, xs = this.fixed.x;
    pen.fillStyle = colour; pen.globalAlpha = 0.2;
    for (let i = 1; i < xs.length; i++) {
      if (![mean[i], mean[i - 1], std[i], std[i - 1]].every(Number.isFinite)) continue;
      pen.beginPath();
      for (const [k, sign] of [[i - 1, 1], [i, 1], [i, -1], [i - 1, -1]]) pen.lineTo(this.axisX(xs[k]), this.axisY(mean[k] + sign * std[k]));
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  drawTrail() {
    if (!this.trail || this.trail.length < 2) return;
    const pen = this.pen;
    for (const [stroke, width] of [["#ffffff", 4], ["#000000", 1.8]]) {
      pen.strokeStyle = stroke; pen.lineWidth = width; pen.beginPath();
      for (const [c, r] of this.outline()) pen.lineTo(this.mapX(c), this.mapY(r));
      pen.closePath(); pen.stroke();
    }
  }

  text(words, x, y, align, font = FONT, fillStyle = this.ink) {
    Object.assign(this.pen, { font, textAlign: align, fillStyle });
    this.pen.fillText(words, x, y);
  }

  upright(words, x, y) {
    this.pen.save(); this.pen.translate(x, y); this.pen.rotate(-Math.PI / 2);
    this.text(words, 0, 0, "center");
    this.pen.restore();
  }

  // --- mouse and keyboard -----------------------------------------------------------------------

  mapX(col) { const [x, , w] = this.map, [c0, , c1] = this.window; return x + ((col - c0) / (c1 - c0)) * w; }
  mapY(row) { const [, y, , h] = this.map, [, r0, , r1] = this.window; return y + ((row - r0) / (r1 - r0)) * h; }
  axisX(v) { const [x, , w] = this.axes, [low, high] = this.span; return x + ((v - low) / (high - low)) * w; }
  axisY(v) { const [, y, , h] = this.axes, a = this.model.get("axis"); return y + h - ((v - a.low) / (a.high - a.low)) * h; }

  at(event) {
    const box = this.canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    const inside = ([x, y, w, h]) => px >= x && px < x + w && py >= y && py < y + h;
    const [x, y, w, h] = this.map, [c0, r0, c1, r1] = this.window;
    const within = (v, low, size) => Math.min(Math.max((v - low) / size, 0), 1);
    const cell = [c0 + within(px, x, w) * (c1 - c0), r0 + within(py, y, h) * (r1 - r0)];
    const where = inside(this.map) ? "map" : inside(this.axes) ? "axes" : null;
    return { px, py, cell, where };
  }

  down(event) {
    const { px, py, cell, where } = this.at(event), mark = this.markAt(px, py);
    if (event.button !== 0 || !(where || mark)) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.start = [px, py]; this.moved = false;
    if (mark) this.mark = mark;
    else if (where === "map" && this.model.get("tool") !== "pan" && !event.shiftKey) this.trail = [cell];
    else this.pan = { where, px, py, window: this.window, span: this.span };
  }

  move(event) {
    const { px, py, cell, where } = this.at(event);
    if (this.start && Math.hypot(px - this.start[0], py - this.start[1]) > CLICK) this.moved = true;
    if (this.mark) this.slide(px);
    else if (this.trail) { this.trail.push(cell); this.soon(); }
    else if (this.pan && this.moved) this.drag(px, py);
    else if (where === "map") this.hover(cell);
    this.canvas.style.cursor = this.markAt(px, py) ? "ew-resize" : where === "map" ? "crosshair" : "default";
  }

  up(event) {
    const { px, cell } = this.at(event), { trail, pan, mark, moved } = this;
    this.pan = this.mark = this.trail = this.start = null;
    if (trail && moved) { trail.push(cell); this.model.send({ kind: "outline", points: this.outline(trail) }); }
    else if (trail || (pan?.where === "map" && !moved)) this.single(event, () => this.click(...cell, event.ctrlKey || event.metaKey));
    else if (pan?.where === "axes" && !moved) this.single(event, () => this.model.send({ kind: "band", at: this.waveAt(px) }));
    else if (mark && moved) this.slide(px);
    this.soon();
  }

  single(event, act) { // the second of two quick clicks at one place is half a double click
    const now = performance.now(), { clientX: x, clientY: y } = event, last = this.clicked;
    if (last && now - last.now < DOUBLE_MS && Math.hypot(x - last.x, y - last.y) <= CLICK) return;
    this.clicked = { now, x, y };
    act();
  }

  outline(trail = this.trail) {
    if (this.model.get("tool") !== "box") return trail;
    const [[x0, y0], [x1, y1]] = [trail[0], trail.at(-1)];
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
  }

  click(x, y, ctrl = false) { this.spot = [Math.round(x), Math.round(y)]; this.model.send({ kind: "click", x, y, ctrl }); }

  waveAt(px) {
    const [x, , w] = this.axes, [low, high] = this.span, at = low + ((px - x) / w) * (high - low);
    return this.fixed.x.reduce((a, b) => (Math.abs(b - at) < Math.abs(a - at) ? b : a));
  }

  markAt(px, py) { // which cursor's line or handle is under the mouse, as { place }
    const [, y, , h] = this.axes, near = this.model.get("cursors").map(({ at }) => Math.abs(this.axisX(at) - px));
    const place = near.indexOf(Math.min(...near));
    return place >= 0 && near[place] <= 5 && py >= y - 20 && py < y + h ? { place } : null;
  }

  slide(px) {
    const near = this.waveAt(px);
    if (near === this.mark?.near || !this.mark) return;
    this.mark.near = near;
    this.model.send({ kind: "move", place: this.mark.place, at: near });
  }

  hover(cell) {
    const [col, row] = cell.map(Math.round);
    if (this.asked === null) { this.asked = [col, row]; this.model.send({ kind: "hover", x: col, y: row }); setTimeout(() => { this.asked = null; }, 200); }
  }

  drag(px, py) {
    const { where, px: x, py: y, window: [c0, r0, c1, r1], span: [low, high] } = this.pan;
    if (where === "map") this.see(c0 - ((px - x) / this.map[2]) * (c1 - c0), r0 - ((py - y) / this.map[3]) * (r1 - r0), c1 - c0, r1 - r0);
    else this.seeAxes(low - ((px - x) / this.axes[2]) * (high - low), high - low);
  }

  wheel(event) {
    const { px, cell, where } = this.at(event), by = event.deltaY < 0 ? 0.8 : 1.25;
    if (!where) return; // beside the pictures the page scrolls
    event.preventDefault();
    if (where === "map") { this.zoom(by, ...cell); return; }
    const [low, high] = this.span, [x, , w] = this.axes, at = low + ((px - x) / w) * (high - low);
    this.seeAxes(at - (at - low) * by, (high - low) * by);
  }

  middle() { const [c0, r0, c1, r1] = this.window; return [(c0 + c1) / 2, (r0 + r1) / 2]; }

  zoom(by, c, r) {
    const [c0, r0, c1, r1] = this.window, share = Math.min(by, this.fixed.cols / (c1 - c0));
    if ((c1 - c0) * share >= Math.min(8, this.fixed.cols)) this.see(c - (c - c0) * share, r - (r - r0) * share, (c1 - c0) * share, (r1 - r0) * share);
  }

  see(c, r, wide, high) {
    const { rows, cols } = this.fixed, hold = (v, size, all) => Math.min(Math.max(v, -0.5), all - size - 0.5);
    const left = hold(c, wide, cols), top = hold(r, high, rows);
    this.window = [left, top, left + wide, top + high];
    this.soon();
  }

  seeAxes(low, wide) {
    const [first, last] = this.fixed.span, size = Math.min(Math.max(wide, (last - first) / 100), last - first);
    const left = Math.min(Math.max(low, first), last - size);
    this.span = [left, left + size];
    this.soon();
  }

  whole() { this.home(); this.homeAxes(); this.soon(); }

  double(event) {
    const { where } = this.at(event);
    if (where === "map") this.home(); else if (where === "axes") this.homeAxes(); else return;
    if (this.clicked) this.model.send({ kind: "double" }); // it picked nothing
    this.clicked = null;
    this.soon();
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const { rows, cols } = this.fixed, [c, r] = this.spot ?? [cols >> 1, rows >> 1];
    if (step) this.click(Math.min(Math.max(c + step[0], 0), cols - 1), Math.min(Math.max(r + step[1], 0), rows - 1));
    else if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? 0.8 : 1.25, c, r);
    else if (event.key === "Home") this.whole();
    else if (event.key === "Enter") this.click(c, r);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

// Left, top, width and height of map, colour scale and spectra for a width; narrow cells and wide scenes are stacked.
export function places(width, rows, cols) {
  const fit = (w, h) => { const side = Math.min(w / cols, h / rows); return [Math.max(Math.round(side * cols), 9), Math.max(Math.round(side * rows), 9)]; };
  if (width < NARROW || cols > 1.6 * rows) {
    const height = width < NARROW ? STACKED : HIGH, [w, h] = fit(width - 76, height / 2 - 55), top = 26 + h + 72;
    return { height, map: [58, 26, w, h], scale: [58 + (w >> 2), 26 + h + 38, w >> 1, 7],
      axes: [76, top, width - 90, height - top - 40] };
  }
  const [w, h] = fit(0.42 * width - 66, HIGH - 88), left = 58 + w + 84;
  return { height: HIGH, map: [58, 26, w, h], scale: [58 + (w >> 2), 26 + h + 40, w >> 1, 8], axes: [left, 30, width - left - 12, HIGH - 72] };
}

function ticks(low, high, most) {
  const raw = (high - low) / most, unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find((m) => m * unit >= raw), found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(6)));
  return found;
}

export default {
  render({ model, el }) {
    const view = new Central(model, el);
    return () => { view.sized.disconnect(); view.heard.forEach(([name, act]) => model.off(name, act)); };
  },
};
