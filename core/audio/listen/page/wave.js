// The outline of a take with its sections, drawn when it changes; what moves over it is a box.

const TOP = 20; // px for the sections' names

export class Wave {
  #canvas; #played; #levels = new Uint8Array(0); #seconds = 0;
  #marks = []; #whole = 0; #loop = null; #asked = 0;

  constructor(box) {
    this.#canvas = box.querySelector("canvas");
    this.#played = box.querySelector("#played");
    const draw = () => this.#draw();
    new ResizeObserver(draw).observe(box);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", draw);
    }
  }

  // Little-endian: "SDP1", uint32 n, float32 seconds, n bytes, each the loudest of its part of the take.
  async load(where) {
    const asked = ++this.#asked;
    const answer = await fetch(where).catch(() => null);
    const bytes = answer?.ok ? await answer.arrayBuffer() : new ArrayBuffer(12);
    if (asked !== this.#asked) return;
    const view = new DataView(bytes);
    this.#levels = new Uint8Array(bytes, 12, view.getUint32(4, true));
    this.#seconds = view.getFloat32(8, true);
    this.#draw();
  }

  show(marks, whole, loop) {
    [this.#marks, this.#whole, this.#loop] = [marks, whole, loop];
    this.#draw();
  }

  set place(place) {
    this.#played.style.width = this.#whole ? `${Math.min(100, (100 * place) / this.#whole)}%` : "0";
  }

  #draw() {
    const canvas = this.#canvas, scale = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    if (!this.#whole) return;
    const ink = canvas.getContext("2d"), style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name);
    const x = (seconds) => (seconds / this.#whole) * width;
    ink.scale(scale, scale);
    ink.font = `12px ${style.fontFamily}`;
    this.#marks.forEach((mark, i) => {
      const from = x(mark.start), wide = x(this.#marks[i + 1]?.start ?? this.#whole) - from;
      ink.fillStyle = colour("--part");
      if (i % 2 === 0) ink.fillRect(from, 0, wide, height);
      ink.fillStyle = colour("--dim");
      ink.fillRect(from, 0, 1, height);
      let name = mark.name;
      while (ink.measureText(name).width > wide - 8 && name) name = name.slice(0, -1);
      if (name.length > 1) ink.fillText(name, from + 4, 14);
    });
    ink.fillStyle = colour("--mark");
    if (this.#loop) ink.fillRect(x(this.#loop[0]), height - 4, x(this.#loop[1] - this.#loop[0]), 4);
    ink.fillStyle = colour("--wave");
    const columns = Math.floor(x(this.#seconds)), most = (height - TOP) / 2 - 6;
    const edge = (column) => Math.floor((column * this.#levels.length) / columns);
    for (let column = 0; column < columns; column++) {
      const covered = this.#levels.subarray(edge(column), Math.max(edge(column) + 1, edge(column + 1)));
      const half = Math.max(0.5, (most * Math.max(0, ...covered)) / 255);
      ink.fillRect(column, (height + TOP) / 2 - half, 1, 2 * half);
    }
  }
}
