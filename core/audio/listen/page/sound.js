// What is heard: a finished file by an audio element, a growing one from pieces, and the way between two.

const FAR = 0.15; // s out of step that are mended by a jump
const NEAR = 0.02; // s out of step that are left
const LAG = 0.05; // s that a jump takes, until it is known better
const AHEAD = 12; // s of a growing take that are fetched before they are heard
const PIECE = 5; // s fetched at once
const KEPT = 4; // files kept loaded, so that one can go back and forth

const within = (low, value, high) => Math.max(low, Math.min(value, high));
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class FileSound {
  grows = false;
  #runs = false; // a browser that refuses sound lets it begin first

  constructor(url, told) {
    this.url = url;
    const element = (this.element = new Audio());
    element.preload = "auto";
    element.preservesPitch = false; // being a percent off is not heard, stretching is
    for (const kind of ["playing", "pause", "waiting", "ended", "seeked", "error"]) {
      element.addEventListener(kind, () => {
        if (kind !== "seeked") this.#runs = kind === "playing";
        told(this);
      });
    }
    element.src = url;
  }
  get place() { return this.element.currentTime; }
  get paused() { return this.element.paused; }
  get ended() { return this.element.ended; }
  get failed() { return this.element.error !== null; }
  get waiting() {
    const { paused, readyState, seeking } = this.element;
    return !paused && (!this.#runs || readyState < 3 || seeking);
  }
  set gain(gain) { this.element.volume = Math.min(1, gain); }
  set rate(rate) { if (this.element.playbackRate !== rate) this.element.playbackRate = rate; }
  play() { return this.element.play(); }
  pause() { this.element.pause(); }
  seek(place) { this.element.currentTime = place; }
  look() {}
  drop() {
    this.pause();
    this.element.removeAttribute("src");
    this.element.load();
  }
}

class GrowingSound {
  grows = true;
  ended = false;
  failed = false;
  paused = true;
  rate = 1; // it is only ever moved by jumps
  #told; #context = null; #out = null; #gain = 1; #hz = 48_000;
  #from = 0; // s at which it begins
  #origin = 0; // the context's time at which second 0 of the take sounds
  #until = 0; // s up to which it is in the context's hands
  #turn = 0; #isBusy = false; #wasDry = false; #pieces = new Set();
  #dropped = new AbortController();

  constructor(url, told) {
    this.url = url;
    this.#told = told;
  }
  get place() {
    if (this.paused) return this.#from;
    const { currentTime, outputLatency } = this.#context;
    return within(this.#from, currentTime - this.#origin - (outputLatency || 0), this.#until);
  }
  get waiting() { return !this.paused && this.place >= this.#until - 0.001; }
  set gain(gain) {
    this.#gain = gain;
    if (this.#out) this.#out.gain.value = gain;
  }
  async play() {
    if (!this.#context) this.#open();
    // A context that may not run without a gesture says nothing and waits for ever.
    const runs = await Promise.race([this.#context.resume().then(() => true), rest(400)]);
    if (this.#dropped.signal.aborted) return;
    if (!runs) throw new DOMException("", "NotAllowedError");
    if (!this.paused) return;
    this.paused = false;
    this.seek(this.#from);
  }
  pause() {
    const place = this.place;
    this.paused = true;
    this.seek(place);
  }
  seek(place) {
    this.#turn++;
    for (const piece of this.#pieces) piece.stop();
    this.#pieces.clear();
    this.#from = this.#until = place;
    if (!this.paused) this.#origin = this.#context.currentTime - place;
    this.#told(this);
    this.#fill();
  }
  look() {
    this.#fill();
    if (this.waiting === this.#wasDry) return;
    this.#wasDry = this.waiting;
    this.#told(this);
  }
  // Nothing is fetched for it any more, and it never sounds again.
  drop() {
    if (this.#dropped.signal.aborted) return;
    this.#dropped.abort();
    this.pause();
    this.#context?.close();
  }

  #open() {
    this.#context = new AudioContext({ sampleRate: this.#hz }); // the take's own: pieces join without a seam
    this.#out = new GainNode(this.#context, { gain: this.#gain });
    this.#out.connect(this.#context.destination);
  }

  // Fetches what is there and lines it up, sample after sample.
  async #fill() {
    if (this.paused || this.#isBusy) return;
    this.#isBusy = true;
    const turn = this.#turn;
    try {
      while (turn === this.#turn && this.#until - this.place < AHEAD) {
        const first = Math.round(this.#until * this.#hz);
        const { signal } = this.#dropped, count = PIECE * this.#hz;
        const answer = await fetch(`${this.url}&from=${first}&count=${count}`, { signal });
        if (!answer.ok) break; // nothing more is there now
        const wav = new DataView(await answer.arrayBuffer());
        if (turn === this.#turn) this.#line(wav, first);
      }
    } catch {
      // The link is down: the next look tries again.
    }
    this.#isBusy = false;
    if (turn !== this.#turn) this.#fill();
  }

  #line(wav, first) {
    const channels = wav.getUint16(22, true), hz = wav.getUint32(24, true);
    if (hz !== this.#hz) { // known only now
      this.#hz = hz;
      this.#context.close();
      this.#open();
      return this.seek(this.#from);
    }
    const frames = (wav.byteLength - 44) / 2 / channels;
    const buffer = this.#context.createBuffer(channels, frames, hz);
    for (let channel = 0; channel < channels; channel++) {
      const samples = buffer.getChannelData(channel);
      for (let i = 0, at = 44 + 2 * channel; i < frames; i++, at += 2 * channels) {
        samples[i] = wav.getInt16(at, true) / 32768;
      }
    }
    // What ran dry goes on where it stopped.
    this.#origin = Math.max(this.#origin, this.#context.currentTime + 0.02 - first / hz);
    const piece = new AudioBufferSourceNode(this.#context, { buffer });
    piece.connect(this.#out);
    piece.start(this.#origin + first / hz);
    piece.onended = () => this.#pieces.delete(piece);
    this.#pieces.add(piece);
    this.#until = (first + frames) / hz;
    this.#told(this);
  }
}

// Follows what is wanted: {url, grows, playing, place(): s, leads(): bool, gain, loop}.
export class Speaker {
  blocked = false;
  muted = false;
  #changed; #now = null; #next = null; #want = null; #files = []; #lag = LAG; #turning = 0;

  constructor(changed) { this.#changed = changed; }

  get url() { return this.#now?.url ?? ""; }

  get heard() {
    const { paused = true, ended = false, failed = false, waiting = false } = this.#now ?? {};
    const playing = !(paused || waiting || ended || this.blocked);
    const [first, last = Infinity] = this.#want?.loop ?? [], at = this.#now?.place ?? 0;
    const place = at < last ? at : first; // past the end of what goes round it is about to turn
    return { place, playing, waiting, ended, blocked: this.blocked, failed };
  }

  follow(want) {
    const old = this.#now;
    this.#want = want;
    if (want && this.#next?.url === want.url && want.playing) return;
    this.#leave(this.#next);
    this.#next = null;
    if (!want) this.#leave(old);
    if (!want) this.#now = null;
    if (!want || (old?.url === want.url && !old.failed)) return this.#steer(true);
    const sound = this.#sound(want);
    const sounds = old && !old.failed && !old.paused;
    if (sounds && want.playing && Math.abs(old.place - want.place()) < 0.5) return this.#handOver(old, sound);
    this.#take(sound);
  }

  // A press in the page, inside which a browser lets sound begin.
  async press(plays) {
    if (plays) await this.#start();
    else this.#now?.pause();
  }

  // The link is there again: what ran dry meanwhile is fetched anew.
  renew() {
    const { failed, waiting } = this.heard;
    if (!failed && !waiting) return;
    this.#files = this.#files.filter((file) => file !== this.#now);
    this.#now.drop();
    this.#now = null;
  }

  setGain() {
    if (this.#now && this.#want) this.#now.gain = this.muted ? 0 : this.#want.gain;
  }

  // Keeps in step, goes round, fetches what has grown; to be called a few times a second.
  look() {
    this.#now?.look();
    const { playing, loop } = this.#want ?? {};
    if (playing && this.heard.playing) this.#steer(false);
    if (playing && loop && this.heard.ended) {
      this.#now.seek(loop[0]);
      this.#start();
    }
  }

  #sound({ url, grows }) {
    const told = (sound) => { if (sound === this.#now) this.#changed(); };
    if (grows) return new GrowingSound(url, told);
    const sound = this.#files.find((file) => file.url === url && !file.failed) ?? new FileSound(url, told);
    this.#files = [sound, ...this.#files.filter((file) => file !== sound)];
    for (const file of this.#files.splice(KEPT)) file.drop();
    return sound;
  }

  #take(sound) {
    const old = this.#now;
    this.#now = sound;
    this.setGain();
    this.#leave(old);
    this.#steer(true);
  }

  // Files are kept, to go back and forth; what grows is fetched anew.
  #leave(sound) {
    sound?.pause();
    if (sound?.grows) sound.drop();
  }

  #steer(isNews) {
    const want = this.#want, now = this.#now;
    if (!now || !want) return;
    this.setGain();
    const place = want.place(), off = now.place - place;
    if (!want.playing || now.paused || now.ended) {
      if (!want.playing) now.pause();
      else if (now.ended && Math.abs(off) < FAR) return; // until the studio says more
      if (Math.abs(off) > NEAR) now.seek(place);
      if (want.playing) this.#start();
    } else if (!this.#goesRound(want.loop, now)) {
      now.rate = 1;
      if (Math.abs(off) > FAR && (isNews || !want.leads())) now.seek(place + (now.grows ? 0 : LAG));
      else if (Math.abs(off) > NEAR && !want.leads()) now.rate = 1 - within(-0.01, off / 5, 0.01);
    }
  }

  #goesRound(loop, now) {
    clearTimeout(this.#turning);
    const left = loop ? loop[1] - now.place : Infinity;
    if (left > 0.3) return false;
    const turn = () => {
      if (this.#want?.loop === loop && now === this.#now && !now.paused) now.seek(loop[0]);
    };
    this.#turning = setTimeout(turn, Math.max(0, left * 1000));
    return true;
  }

  async #start() {
    const now = this.#now;
    if (!now) return;
    try {
      await now.play();
      if (now === this.#now) this.blocked = false;
    } catch (error) {
      if (now === this.#now && error.name === "NotAllowedError") this.blocked = true;
    }
    this.#changed();
  }

  // The other sound starts unheard beside this one, and is heard instead once it is at the same place.
  async #handOver(old, next) {
    this.#next = next;
    const isMine = () => this.#next === next;
    next.gain = 0;
    try {
      next.seek(old.place + this.#lag);
      await next.play();
      for (let tries = 0; tries < 3 && isMine(); tries++) {
        const from = next.place;
        const isUp = () => next.failed || next.ended || (!next.waiting && next.place > from + 0.03);
        for (let i = 0; i < 400 && isMine() && !isUp(); i++) await rest(25);
        const off = next.place - old.place;
        if (Math.abs(off) < NEAR || old.ended || old.waiting || tries === 2) break;
        this.#lag = within(0, this.#lag - off, 0.5);
        next.seek(old.place + this.#lag);
      }
    } catch {
      // `failed` says so.
    }
    if (!isMine()) return;
    this.#next = null;
    this.#take(next);
    this.#changed();
  }
}
