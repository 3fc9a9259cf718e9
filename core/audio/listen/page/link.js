// The link to the studio: what it tells, its clock, and what it is told.
//
// A browser has six connections to a server for all its tabs, and a stream of events keeps one: a single tab
// has it, which holds the lock, and hands on to the others what it hears.

export const tab = [...crypto.getRandomValues(new Uint8Array(8))].map((n) => n.toString(16)).join("");

const DEAD = 10_000; // ms without a word; the studio sends a beat every few seconds
const SLOWEST = 4_000; // ms between two tries
const NAME = `songdesk ${location.pathname}`; // of the lock and the channel: this studio's alone

let offset = null; // s from this tab's clock to the studio's

export const studioNow = () => performance.now() / 1000 + (offset ?? 0);

// What comes late makes the studio's clock look slow, so the largest difference is the truest; it is let
// down slowly, as two clocks drift apart.
function setClock(now) {
  const seen = now - performance.now() / 1000;
  offset = offset === null ? seen : Math.max(offset - 0.0005, seen);
}

export function connect({ told, lost }) {
  const others = navigator.locks && globalThis.BroadcastChannel ? new BroadcastChannel(NAME) : null;
  let source = null, holds = false, wait = 300, watch = 0, again = 0, isNew = true, newest = 0;

  function open() {
    clearTimeout(again);
    source?.close();
    source = new EventSource(`events?tab=${tab}`);
    isNew = true;
    source.onerror = fail;
    for (const kind of ["state", "takes", "beat"]) {
      source.addEventListener(kind, (event) => {
        const facts = JSON.parse(event.data);
        if (holds) others.postMessage({ kind, facts, isNew });
        take(kind, facts, isNew);
      });
    }
    expect(); // it is not sure to open
  }

  function expect() {
    clearTimeout(watch);
    watch = setTimeout(fail, DEAD);
  }

  function take(kind, facts, isFirst) {
    if (isFirst) offset = null;
    if (facts.now) setClock(facts.now);
    if (kind === "state") newest = facts.revision;
    expect();
    wait = 300;
    isNew = false;
    told(kind, facts, isFirst);
  }

  function lose(isGone) {
    if (holds) others.postMessage({ isGone });
    lost(isGone);
  }

  async function fail() {
    source?.close();
    clearTimeout(watch);
    clearTimeout(again);
    again = setTimeout(open, wait);
    wait = Math.min(wait * 1.6, SLOWEST);
    lose(false);
    const answer = await fetch("state").catch(() => null);
    if (answer?.status === 404) lose(true);
  }

  // What the tab with the stream hands on; a stream of one's own, begun while that tab slept, is given up.
  function hear({ data: { kind, facts, isNew: isFirst, isGone } }) {
    if (holds) return;
    if (!kind) {
      if (source === null) expect();
      return source === null && lost(isGone);
    }
    clearTimeout(again);
    source?.close();
    source = null;
    take(kind, facts, isFirst || isNew);
  }

  function hold() {
    holds = true;
    open();
    return new Promise(() => {}); // until this tab is closed
  }

  async function join() {
    others.onmessage = hear;
    await navigator.locks.request(NAME, { ifAvailable: true }, (lock) => lock && hold());
    navigator.locks.request(NAME, hold);
    expect();
    const facts = await ask("state"); // the next that is handed on may be a while
    if (facts?.revision > newest) take("state", facts, isNew);
  }

  // What was asleep looks at once when it wakes.
  const wake = () => { if (source?.readyState === EventSource.CLOSED) open(); };
  addEventListener("online", wake);
  addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", wake);
  if (others) join().catch(open);
  else open();
}

export async function tell(where, facts) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(facts);
  const answer = await fetch(where, { method: "POST", headers, body, keepalive: true });
  if (answer.ok) return;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error ?? `the studio says ${answer.status}`);
}

export async function ask(where) {
  const answer = await fetch(where).catch(() => null);
  return answer?.ok ? answer.json() : null;
}
