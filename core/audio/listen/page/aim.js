// Where somebody here wants the take to be, until the studio tells of it: presses that come fast go on from there.

const NEAR = 0.5; // s by which the studio may have moved on when it tells
const PATIENCE = 1000; // ms after which the studio is taken to have wished otherwise

export class Aim {
  #ask; #place = null; #until = 0; #isAsking = false;

  // `ask` brings a place to the studio.
  constructor(ask) { this.#ask = ask; }

  get place() { return performance.now() < this.#until ? this.#place : null; }

  // One is asked for at a time, and of those pressed meanwhile the newest: they must not overtake each other.
  async at(place) {
    this.#place = place;
    this.#until = Infinity;
    if (this.#isAsking) return;
    this.#isAsking = true;
    for (let sent = null; this.#place !== null && this.#place !== sent;) {
      sent = this.#place;
      await this.#ask(sent);
    }
    this.#isAsking = false;
    this.#until = performance.now() + PATIENCE;
  }

  // The studio is at a place of a take, another one or the same.
  told(place, isOther) {
    if (isOther || (this.#place !== null && Math.abs(place - this.#place) < NEAR)) this.#place = null;
  }
}
