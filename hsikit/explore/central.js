// The map <-> spectrum view of a SpectraExplorer. The kernel holds the cube and decides; this draws what it says and
// tells it where the mouse or the keyboard was. Geometry (CSS pixels) comes from central.py.
const FONT = "12px sans-serif", HEAD = "13px sans-serif", CLICK = 4;

function bytes(view) { return new Uint8Array(view.buffer, view.byteOffset, view.byteLength); }
function floats(view) { return view ? new Float32Array(bytes(view).slice().buffer) : null; }
function ints(view) { return new Int32Array(bytes(view).slice().buffer); }

class Central {
  constructor(model, el) {
    this.model = model;
    this.fixed = model.get("fixed");
    this.window = [-0.5, -0.5, this.fixed.cols - 0.5, this.fixed.rows - 0.5]; // columns and rows that are shown
    this.trail = null; this.pan = null; this.asked = null; this.spot = null;
    this.raster = document.createElement("canvas");
    this.raster.width = this.fixed.cols; this.raster.height = this.fixed.rows;
    this.build(el);
    this.listen();
    this.readPixels(); this.readSpectra(); this.readLegend(); this.draw();
  }

  build(el) {
    const { width, height } = this.fixed, ratio = window.devicePixelRatio || 1;
    this.canvas = document.createElement("canvas");
    Object.assign(this.canvas, { width: width * ratio, height: height * ratio, tabIndex: 0 });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.canvas.className = "hsikit-central";
    el.dataset.lmSuppressShortcuts = "true"; // arrows and Enter are ours, not the notebook's
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", this.fixed.hint);
    this.ratio = ratio;
    this.pen = this.canvas.getContext("2d");
    this.legend = document.createElement("div");
    this.legend.className = "hsikit-legend";
    this.pointer = document.createElement("div");
    this.pointer.className = "hsikit-pointer";
    el.append(this.canvas, this.pointer, this.legend);
  }

  // --- what the kernel says ---------------------------------------------------------------------

  listen() {
    this.heard = [];
    const on = (names, act) => names.forEach((n) => { this.model.on(`change:${n}`, act); this.heard.push([`change:${n}`, act]); });
    on(["pixels"], () => { this.readPixels(); this.soon(); });
    on(["spectra"], () => { this.readSpectra(); this.soon(); });
    on(["picture", "cursors", "axis"], () => this.soon());
    on(["legend"], () => this.readLegend());
    on(["pointer"], () => { this.asked = null; this.pointer.textContent = this.model.get("pointer"); });
    const mouse = { pointerdown: "down", pointermove: "move", pointerup: "up", wheel: "wheel", dblclick: "whole", keydown: "key" };
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
    this.spectra = this.model.get("spectra").map((s) => ({ ...s, mean: floats(s.mean), std: floats(s.std), pixels: ints(s.pixels) }));
    const { rows, cols } = this.fixed, areas = this.spectra.filter((s) => s.pixels.length > 1);
    this.areas = null;
    if (!areas.length) return;
    const image = new ImageData(cols, rows);
    for (const area of areas) {
      const n = parseInt(area.colour.slice(1), 16), rgba = [n >> 16, (n >> 8) & 255, n & 255, 153];
      for (const p of area.pixels) image.data.set(rgba, 4 * p);
    }
    this.areas = document.createElement("canvas");
    this.areas.width = cols; this.areas.height = rows;
    this.areas.getContext("2d").putImageData(image, 0, 0);
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
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, this.fixed.width, this.fixed.height);
    this.drawMap();
    this.drawScale();
    this.drawAxes();
    this.drawSpectra();
    this.drawTrail();
  }

  drawMap() {
    const pen = this.pen, [x, y, w, h] = this.fixed.map, [c0, r0, c1, r1] = this.window;
    pen.save();
    pen.beginPath(); pen.rect(x, y, w, h); pen.clip();
    pen.imageSmoothingEnabled = false;
    const place = [c0 + 0.5, r0 + 0.5, c1 - c0, r1 - r0, x, y, w, h];
    pen.drawImage(this.raster, ...place);
    if (this.areas) pen.drawImage(this.areas, ...place);
    for (const s of this.spectra) if (s.pixels.length === 1) this.ring(s.pixels[0], s.colour);
    pen.restore();
    pen.strokeStyle = "#333333"; pen.lineWidth = 1; pen.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1);
    this.text(this.model.get("picture").title, x, y - 9, "left", HEAD);
    for (const t of ticks(c0, c1, 5)) this.text(`${t}`, this.mapX(t), y + h + 15, "center");
    for (const t of ticks(r0, r1, 5)) this.text(`${t}`, x - 6, this.mapY(t) + 4, "right");
    this.text(this.fixed.column, x + w / 2, y + h + 31, "center");
    this.upright(this.fixed.row, 16, y + h / 2);
  }

  ring(flat, colour) {
    const pen = this.pen, col = flat % this.fixed.cols, row = (flat - col) / this.fixed.cols;
    for (const [stroke, wide] of [["#ffffff", 5], [colour, 2.4]]) {
      pen.beginPath(); pen.arc(this.mapX(col), this.mapY(row), 6, 0, 2 * Math.PI);
      pen.strokeStyle = stroke; pen.lineWidth = wide; pen.stroke();
    }
  }

  drawScale() {
    const { low, high, ramp } = this.model.get("picture");
    if (!ramp) return;
    const pen = this.pen, [x, y, w, h] = this.fixed.scale, rgb = bytes(ramp);
    for (let i = 0; i < 256; i++) {
      pen.fillStyle = `rgb(${rgb[3 * i]},${rgb[3 * i + 1]},${rgb[3 * i + 2]})`;
      pen.fillRect(x + (i * w) / 256, y, w / 256 + 1, h);
    }
    this.text(low, x - 6, y + h, "right");
    this.text(high, x + w + 6, y + h, "left");
  }

  drawAxes() {
    const pen = this.pen, [x, y, w, h] = this.fixed.axes, axis = this.model.get("axis");
    pen.strokeStyle = "#333333"; pen.lineWidth = 1;
    pen.beginPath(); pen.moveTo(x - 0.5, y); pen.lineTo(x - 0.5, y + h + 0.5); pen.lineTo(x + w, y + h + 0.5); pen.stroke();
    this.text(this.fixed.spectra_title, x, y - 9, "left", HEAD);
    for (const t of ticks(...this.fixed.span, 6)) this.text(`${t}`, this.axisX(t), y + h + 15, "center");
    for (const t of ticks(axis.low, axis.high, 6)) this.text(`${t}`, x - 6, this.axisY(t) + 4, "right");
    this.text(this.fixed.wave, x + w / 2, y + h + 31, "center");
    this.upright(axis.unit, x - 52, y + h / 2);
  }

  drawSpectra() {
    const pen = this.pen, [x, y, w, h] = this.fixed.axes;
    pen.save();
    pen.beginPath(); pen.rect(x, y, w, h); pen.clip();
    for (const s of this.spectra) {
      if (s.std) this.band(s);
      if (s.wide) this.line(s.mean, "#ffffff", 4);
      this.line(s.mean, s.colour, s.wide ? 2.2 : 1.4);
    }
    pen.globalAlpha = 0.8; pen.fillStyle = "#e8e8e8";
    for (const [low, high] of this.fixed.bad) pen.fillRect(this.axisX(low), y, this.axisX(high) - this.axisX(low), h);
    pen.globalAlpha = 1; pen.lineWidth = 1.4; pen.setLineDash([5, 3]);
    for (const { at, colour } of this.model.get("cursors")) {
      pen.strokeStyle = colour; pen.beginPath(); pen.moveTo(this.axisX(at), y); pen.lineTo(this.axisX(at), y + h); pen.stroke();
    }
    pen.restore();
  }

  line(values, colour, width) {
    const pen = this.pen, xs = this.fixed.x;
    pen.strokeStyle = colour; pen.lineWidth = width; pen.lineJoin = "round"; pen.beginPath();
    let down = false;
    values.forEach((v, i) => {
      const gap = i > 0 && xs[i] - xs[i - 1] > this.fixed.gap;
      if (!Number.isFinite(v)) { down = false; return; }
      if (down && !gap) pen.lineTo(this.axisX(xs[i]), this.axisY(v)); else pen.moveTo(this.axisX(xs[i]), this.axisY(v));
      down = true;
    });
    pen.stroke();
  }

  band({ mean, std, colour }) {
    const pen = this.pen, xs = this.fixed.x;
    pen.fillStyle = colour; pen.globalAlpha = 0.2;
    for (let i = 1; i < xs.length; i++) {
      if (xs[i] - xs[i - 1] > this.fixed.gap || ![mean[i], mean[i - 1], std[i], std[i - 1]].every(Number.isFinite)) continue;
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

  text(words, x, y, align, font = FONT) {
    Object.assign(this.pen, { font, textAlign: align, fillStyle: "#222222" });
    this.pen.fillText(words, x, y);
  }

  upright(words, x, y) {
    this.pen.save(); this.pen.translate(x, y); this.pen.rotate(-Math.PI / 2);
    this.text(words, 0, 0, "center");
    this.pen.restore();
  }

  // --- mouse and keyboard -----------------------------------------------------------------------

  mapX(col) { const [x, , w] = this.fixed.map, [c0, , c1] = this.window; return x + ((col - c0) / (c1 - c0)) * w; }
  mapY(row) { const [, y, , h] = this.fixed.map, [, r0, , r1] = this.window; return y + ((row - r0) / (r1 - r0)) * h; }
  axisX(v) { const [x, , w] = this.fixed.axes, [low, high] = this.fixed.span; return x + ((v - low) / (high - low)) * w; }
  axisY(v) { const [, y, , h] = this.fixed.axes, a = this.model.get("axis"); return y + h - ((v - a.low) / (a.high - a.low)) * h; }

  at(event) {
    const box = this.canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    const inside = ([x, y, w, h]) => px >= x && px < x + w && py >= y && py < y + h;
    const [x, y, w, h] = this.fixed.map, [c0, r0, c1, r1] = this.window;
    const within = (v, low, size) => Math.min(Math.max((v - low) / size, 0), 1);
    const cell = [c0 + within(px, x, w) * (c1 - c0), r0 + within(py, y, h) * (r1 - r0)];
    const where = inside(this.fixed.map) ? "map" : inside(this.fixed.axes) ? "axes" : null;
    return { px, py, cell, where };
  }

  down(event) {
    const { px, py, cell, where } = this.at(event);
    if (event.button !== 0 || !where) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.start = [px, py];
    if (where === "axes") { this.sliding = true; this.slide(px); }
    else if (event.shiftKey) this.pan = [px, py, ...this.window];
    else this.trail = [cell];
  }

  move(event) {
    const { px, py, cell, where } = this.at(event);
    if (this.sliding) this.slide(px);
    else if (this.pan) this.drag(px, py);
    else if (this.trail) { this.trail.push(cell); this.soon(); }
    else if (where === "map") this.hover(cell);
  }

  up(event) {
    const { px, py, cell } = this.at(event), trail = this.trail;
    this.sliding = false; this.pan = null;
    if (!trail) return;
    const far = trail.concat([cell]).some(([c, r]) => Math.hypot(this.mapX(c) - this.start[0], this.mapY(r) - this.start[1]) > CLICK);
    if (far) { trail.push(cell); this.model.send({ kind: "outline", points: this.outline() }); }
    else this.click(...trail[0]);
    this.trail = null;
    this.soon();
  }

  outline() {
    if (this.model.get("tool") !== "box") return this.trail;
    const [[x0, y0], [x1, y1]] = [this.trail[0], this.trail.at(-1)];
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
  }

  click(x, y) { this.spot = [Math.round(x), Math.round(y)]; this.model.send({ kind: "click", x, y }); }

  slide(px) {
    const [x, , w] = this.fixed.axes, [low, high] = this.fixed.span, at = low + ((px - x) / w) * (high - low);
    const near = this.fixed.x.reduce((a, b) => (Math.abs(b - at) < Math.abs(a - at) ? b : a));
    if (near !== this.slid) { this.slid = near; this.model.send({ kind: "band", at: near }); }
    setTimeout(() => { this.slid = null; }, 400);
  }

  hover(cell) {
    const [col, row] = cell.map(Math.round);
    if (this.asked === null) { this.asked = [col, row]; this.model.send({ kind: "hover", x: col, y: row }); setTimeout(() => { this.asked = null; }, 200); }
  }

  drag(px, py) {
    const [x, y, c0, r0, c1, r1] = this.pan, [, , w, h] = this.fixed.map;
    this.see(c0 - ((px - x) / w) * (c1 - c0), r0 - ((py - y) / h) * (r1 - r0), c1 - c0, r1 - r0);
  }

  wheel(event) {
    const { cell, where } = this.at(event);
    if (where !== "map" || !event.ctrlKey) return; // without Ctrl the page scrolls
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 0.8 : 1.25, ...cell);
  }

  zoom(by, c, r) {
    const [c0, r0, c1, r1] = this.window, share = Math.min(by, this.fixed.cols / (c1 - c0));
    if ((c1 - c0) * share >= 8) this.see(c - (c - c0) * share, r - (r - r0) * share, (c1 - c0) * share, (r1 - r0) * share);
  }

  see(c, r, wide, high) {
    const { rows, cols } = this.fixed, hold = (v, size, all) => Math.min(Math.max(v, -0.5), all - size - 0.5);
    const left = hold(c, wide, cols), top = hold(r, high, rows);
    this.window = [left, top, left + wide, top + high];
    this.soon();
  }

  whole(event) { if (this.at(event).where === "map") this.see(-0.5, -0.5, this.fixed.cols, this.fixed.rows); }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const { rows, cols } = this.fixed, [c, r] = this.spot ?? [cols >> 1, rows >> 1];
    if (step) this.click(Math.min(Math.max(c + step[0], 0), cols - 1), Math.min(Math.max(r + step[1], 0), rows - 1));
    else if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? 0.8 : 1.25, c, r);
    else if (event.key === "Enter") this.click(c, r);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
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
    return () => view.heard.forEach(([name, act]) => model.off(name, act));
  },
};
