// Mouse and keyboard on a chart that `board_draw.js` draws: the same hand in every explorer.
const CLICK = 4, DOUBLE_MS = 400, HOVER_MS = 60, NEAR = 9;

class Chart extends Drawing {
  constructor(model, el) {
    super();
    Object.assign(this, { model, el, trail: null, pan: null, mark: null, spot: null, clicked: null, layers: [], told: 0 });
    this.build();
    this.readHead();
    this.listen();
    for (const part of ["picture", "layers", "lines", "points", "legend"]) this[`read_${part}`]();
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(this.plot);
    this.resize();
  }

  listen() {
    this.heard = [];
    const on = (names, act) => names.forEach((n) => { this.model.on(`change:${n}`, act); this.heard.push([`change:${n}`, act]); });
    on(["head"], () => { this.readHead(); this.soon(); });
    on(["picture"], () => { this.read_picture(); this.soon(); });
    on(["layers", "palettes"], () => { this.read_layers(); this.soon(); });
    on(["lines", "x"], () => { this.read_lines(); this.soon(); });
    on(["xy", "tints", "looks", "dots"], () => { this.read_points(); this.soon(); });
    on(["legend"], () => this.read_legend());
    on(["view"], () => this.readView());
    on(["marks", "scale", "opacities", "brush"], () => this.soon());
    const mouse = { pointerdown: "down", pointermove: "move", pointerup: "up", wheel: "wheel", dblclick: "double", keydown: "key" };
    for (const [name, method] of Object.entries(mouse)) this.canvas.addEventListener(name, (e) => this[method](e));
    this.canvas.addEventListener("contextmenu", (e) => e.stopPropagation()); // the browser's own: save the image
  }

  get tool() { return this.head.tools ? this.model.get("tool") : "pan"; }

  at(event) {
    const box = this.canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    const [x, y, w, h] = this.area, [x0, y0, x1, y1] = this.view;
    const cell = [x0 + clamp((px - x) / w, 0, 1) * (x1 - x0), y0 + clamp((py - y) / h, 0, 1) * (y1 - y0)];
    return { px, py, cell, within: px >= x && px < x + w && py >= y && py < y + h };
  }

  down(event) {
    const { px, py, cell, within } = this.at(event), mark = this.markAt(px, py);
    if (event.button !== 0 || !(within || mark)) return;
    if (this.clicked && performance.now() - this.clicked.now > 1000) this.clicked = null; // too long ago to be half a double click
    this.canvas.setPointerCapture(event.pointerId);
    this.start = [px, py]; this.moved = false;
    if (mark) this.mark = mark;
    else if (this.tool !== "pan" && !event.shiftKey && !(this.tool === "brush" && (event.ctrlKey || event.metaKey))) { this.trail = [cell]; this.sent = 0; }
    else this.pan = { px, py, view: this.view };
  }

  move(event) {
    const { px, py, cell, within } = this.at(event);
    if (this.start && Math.hypot(px - this.start[0], py - this.start[1]) > CLICK) this.moved = true;
    if (this.mark) this.slide(px);
    else if (this.trail) { this.trail.push(cell); this.soon(); if (this.tool === "brush") this.stroke(false); }
    else if (this.pan && this.moved) this.drag(px, py);
    else if (within) this.hover(cell, px, py);
    this.canvas.style.cursor = this.markAt(px, py) ? "ew-resize" : within ? "crosshair" : "default";
  }

  up(event) {
    const { px, py, cell } = this.at(event), { trail, pan, mark, moved } = this, brush = this.tool === "brush";
    if (trail && brush) { trail.push(cell); this.stroke(true); this.clicked = moved ? null : { now: performance.now() }; } // a dab may be half a double click
    this.pan = this.mark = this.trail = this.start = null;
    if (trail && moved && !brush) { trail.push(cell); this.model.send({ kind: "outline", points: this.outline(trail) }); }
    else if ((trail && !brush) || (pan && !moved)) this.single(event, () => this.click(...cell, event.ctrlKey || event.metaKey, this.nearest(px, py)));
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
    if (this.tool !== "box") return trail;
    const [[x0, y0], [x1, y1]] = [trail[0], trail.at(-1)];
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
  }

  stroke(done) { // the corners that were not told yet, at most once a frame
    if (!done && performance.now() - this.told < 30) return;
    this.told = performance.now();
    this.model.send({ kind: "brush", points: this.trail.slice(Math.max(0, this.sent - 1)), first: this.sent === 0, done });
    this.sent = this.trail.length;
  }

  click(x, y, ctrl = false, index = -1) {
    if (this.head.rows) this.spot = [Math.round(x), Math.round(y)];
    this.model.send({ kind: "click", x: this.head.snap ? this.snapped(x) : x, y, ctrl, index });
  }

  nearest(px, py) { // index of the shown point under the mouse, -1 for none
    if (!this.points) return -1;
    const { xy, looks } = this.points;
    let found = -1, least = NEAR * NEAR;
    for (let i = 0; i < looks.length; i++) {
      if (looks[i] < 2) continue;
      const away = (this.X(xy[2 * i]) - px) ** 2 + (this.Y(xy[2 * i + 1]) - py) ** 2;
      if (away < least) { least = away; found = i; }
    }
    return found;
  }

  snapped(at) { return this.x.reduce((a, b) => (Math.abs(b - at) < Math.abs(a - at) ? b : a)); }
  xAt(px) { const [x, , w] = this.area, [x0, , x1] = this.view; return x0 + ((px - x) / w) * (x1 - x0); }

  markAt(px, py) { // which cursor's line or handle is under the mouse, as { place }
    const [, y, , h] = this.area, near = this.model.get("marks").cursors.map((c) => Math.abs(this.X(c.x) - px));
    const place = near.indexOf(Math.min(...near));
    return place >= 0 && near[place] <= 5 && py >= y - 20 && py < y + h ? { place } : null;
  }

  slide(px) {
    const near = this.snapped(this.xAt(px));
    if (near === this.mark?.near || !this.mark) return;
    this.mark.near = near;
    this.model.send({ kind: "move", place: this.mark.place, at: near });
  }

  hover(cell, px, py) { // the last place is always told, the ones between only now and then
    this.over = () => this.model.send({ kind: "hover", x: cell[0], y: cell[1], index: this.nearest(px, py) });
    if (this.quiet) return;
    const tell = () => { this.quiet = null; if (this.over) { this.over(); this.over = null; this.quiet = setTimeout(tell, HOVER_MS); } };
    tell();
  }

  drag(px, py) {
    const { px: x, py: y, view: [x0, y0, x1, y1] } = this.pan, [, , w, h] = this.area;
    this.see(x0 - ((px - x) / w) * (x1 - x0), y0 - ((py - y) / h) * (y1 - y0), x1 - x0, y1 - y0);
  }

  wheel(event) {
    const { cell, within } = this.at(event);
    if (!within || !this.head.zoom) return; // beside the axes the page scrolls
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 0.8 : 1.25, ...cell);
  }

  middle() { const [x0, y0, x1, y1] = this.view; return [(x0 + x1) / 2, (y0 + y1) / 2]; }

  zoom(by, x, y) {
    const [x0, y0, x1, y1] = this.view, all = this.home[2] - this.home[0], least = this.head.rows ? Math.min(8, all) : all / 100;
    const share = clamp(by, Math.min(1, least / (x1 - x0)), all / (x1 - x0));
    if (this.head.rows && share > by) return; // no more than eight columns
    this.see(x - (x - x0) * share, y - (y - y0) * share, (x1 - x0) * share, (y1 - y0) * share);
  }

  see(x, y, wide, high) { // y may run downwards: then `high` is negative
    const [x0, y0, x1, y1] = this.home, hold = (v, size, a, b) => (size >= 0 ? clamp(v, a, b - size) : clamp(v, b - size, a));
    const left = hold(x, wide, x0, x1), [top, tall] = this.head.zoom === "x" ? [y0, y1 - y0] : [hold(y, high, y0, y1), high];
    this.show([left, top, left + wide, top + tall]);
  }

  show(view) {
    this.view = view;
    this.soon();
    this.model.set("view", view.every((v, i) => v === this.home[i]) ? [] : view);
    this.model.save_changes();
  }

  whole() { this.show([...this.home]); }

  double(event) {
    if (!this.at(event).within) return;
    this.whole();
    if (this.clicked) this.model.send({ kind: "double" }); // it picked nothing
    this.clicked = null;
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const { rows, cols } = this.head, [x0, y0, x1, y1] = this.view, [c, r] = rows ? this.spot ?? this.middle().map(Math.round) : this.middle();
    if (step && rows) this.click(clamp(c + step[0], 0, cols - 1), clamp(r + step[1], 0, rows - 1));
    else if (step) this.see(x0 + step[0] * 0.1 * (x1 - x0), y0 + step[1] * 0.1 * (y1 - y0), x1 - x0, y1 - y0);
    else if (event.key === "+" || event.key === "-") this.zoom(event.key === "+" ? 0.8 : 1.25, c, r);
    else if (event.key === "Home") this.whole();
    else if (event.key === "Enter" && rows) this.click(c, r);
    else if (/^[0-9[\]zyZY]$/.test(event.key) && this.head.keys) this.model.send({ kind: "key", key: event.key, ctrl: event.ctrlKey || event.metaKey });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

export default {
  render({ model, el }) {
    const chart = new Chart(model, el);
    return () => { chart.sized.disconnect(); chart.heard.forEach(([name, act]) => model.off(name, act)); };
  },
};
