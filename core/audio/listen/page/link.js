// The link to the studio: what it tells, its clock, and what it is told.

export const tab = [...crypto.getRandomValues(new Uint8Array(8))].map((n) => n.toString(16)).join("");

const DEAD = 10_000; // ms without a word; the studio sends a beat every few seconds
const SLOWEST = 4_000; // ms between two tries

let offset = null; // s from this tab's clock to the studio's

export const studioNow = () => performance.now() / 1000 + (offset ?? 0);

// What comes late makes the studio's clock look slow, so the largest difference is the truest; it is let
// down slowly, as two clocks drift apart.
function setClock(now) {
  const seen = now - performance.now() / 1000;
  offset = offset === null ? seen : Math.max(offset - 0.0005, seen);
}

export function connect({ told, lost }) {
  let source = null, wait = 300, watch = 0, again = 0, isNew = true;

  function open() {
    clearTimeout(again);
    source?.close();
    source = new EventSource(`events?tab=${tab}`);
    isNew = true;
    source.onerror = fail;
    for (const kind of ["state", "takes", "beat"]) {
      source.addEventListener(kind, (event) => take(kind, JSON.parse(event.data)));
    }
  }

  function take(kind, facts) {
    if (isNew) offset = null;
    if (facts.now) setClock(facts.now);
    clearTimeout(watch);
    watch = setTimeout(fail, DEAD);
    wait = 300;
    told(kind, facts, isNew);
    isNew = false;
  }

  async function fail() {
    source.close();
    clearTimeout(watch);
    clearTimeout(again);
    again = setTimeout(open, wait);
    wait = Math.min(wait * 1.6, SLOWEST);
    lost(false);
    const answer = await fetch("state").catch(() => null);
    if (answer?.status === 404) lost(true);
  }

  // What was asleep looks at once when it wakes.
  const wake = () => { if (source.readyState === EventSource.CLOSED) open(); };
  addEventListener("online", wake);
  addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", wake);
  open();
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
