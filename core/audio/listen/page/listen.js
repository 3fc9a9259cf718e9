// The page: shows what the studio plays, plays it, and hands on what is pressed here.

import { Aim } from "./aim.js";
import { $, all, clock, make, remember, remembered, set, within } from "./dom.js";
import { ask, connect, studioNow, tab, tell } from "./link.js";
import { Speaker } from "./sound.js";
import { takeRow } from "./takes.js";
import { Wave } from "./wave.js";

const STEMS = { mix: "Mix", vocal: "Vocal alone", backing: "Backing, vocal muted" };
const HELP = {
  "Space": "play or pause", "← →": "5 s back or on", ", .": "1 s back or on", "p n": "section back or on",
  "Home End": "to the start, to the last second", "[ ]": "take before or after",
  "1 2 3": "mix, vocal, backing", "a or x": "the other one of A and B", "+ −": "louder, softer",
  "m": "mute this tab alone", "?": "these keys",
};

// All sound is asked for in parts: a browser has six connections for all its tabs, and keeps one half read.
const LIGHT = document.createElement("audio").canPlayType('audio/ogg; codecs="opus"') ? "" : "&kind=mp3";

let state = null, card = null, cards = [], older = 0;
let isLinked = false, lostWords = "Looking for the studio …", passingWords = "", passing = 0;
let quality = "sound", made = new Set(), making = "";
let lastReport = 0, later = 0, wasSilenced = false, isDragging = false, drawn = 0;
const speaker = new Speaker(changed), aim = new Aim((place) => wish("seek", { place }));
const wave = new Wave($("wave"));

// What the studio wants

const leads = () => (state.lead ? state.lead === tab : (state.tabs ?? 1) <= 1);

// The tab that leads goes by itself while it sounds; where nobody does, the studio's clock stands.
function place() {
  const runs = state.playing && (leads() ? speaker.heard.playing : state.lead !== "");
  const now = state.place + (runs ? Math.max(0, studioNow() - state.at) : 0);
  const [first, last] = state.loop ?? [];
  if (state.place < last && now >= last) return first + ((now - last) % (last - first));
  return state.seconds ? Math.min(now, state.seconds) : now;
}

// Where it is here: what waits, or may not play, stands still.
function shown() {
  if (!state) return 0;
  if (aim.place !== null) return aim.place;
  return state.playing && speaker.url && !speaker.blocked ? speaker.heard.place : state.place;
}

function follow() {
  const url = state.take && wanted(), { grows, playing, gain, volume } = state;
  const loop = state.loop && state.place < state.loop[1] + 1 ? state.loop : null; // well past it, it goes on
  const want = { url, grows, playing, place, leads, loop, gain: gain * volume };
  speaker.follow(url ? want : null);
  changed();
}

function wanted() {
  const at = `takes/${state.take}`;
  if (state.grows) return `${at}/piece?stem=${state.stem}`;
  const url = (kind) => `${at}/${kind}/${state.stem}?part${kind === "light" ? LIGHT : ""}`;
  if (quality === "sound" || made.has(url("light"))) return url(quality);
  makeLight(url("light"));
  return speaker.url.startsWith(at) ? speaker.url : ""; // until it is there, what plays goes on
}

// A light rendition is made when it is first asked for.
async function makeLight(url) {
  if (making === url) return;
  making = url;
  say("The light version is being made …");
  while (making === url && quality === "light") {
    const answer = await fetch(url, { method: "HEAD" }).catch(() => null);
    if (answer?.ok) made.add(url);
    else if (answer && answer.status !== 503) {
      quality = "sound";
      showQuality();
      say("There is no light version of this one: it plays lossless.");
    }
    if (answer && answer.status !== 503) break;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  if (making !== url) return;
  making = "";
  if (made.has(url)) say("");
  follow();
}

// What is told from here

function changed() {
  showPlay();
  clearTimeout(later);
  const wait = lastReport + 150 - performance.now();
  if (wait > 0) later = setTimeout(changed, wait);
  else if (isLinked) {
    lastReport = performance.now();
    const { failed, ...heard } = speaker.heard;
    tell("heard", { tab, ...heard, revision: state.revision, at: studioNow() }).catch(() => {});
  }
}

async function wish(what, facts = {}) {
  try {
    await tell("do", { do: what, ...facts });
  } catch (error) {
    if (what === "pause") wasSilenced = true; // the tab is silent already; the studio hears of it later
    if (!isLinked) return;
    say(`That was not done: ${error.message}`);
    take((await ask("state")) ?? state);
  }
}

function toggle() {
  if (!state?.take) return;
  const plays = !state.playing;
  if (plays && !isLinked) return;
  Object.assign(state, { playing: plays, place: shown(), at: studioNow() });
  speaker.press(plays);
  wish(plays ? "play" : "pause");
  showPlay();
}

async function allow() {
  await speaker.press(true);
  if (speaker.blocked) return;
  take((await ask("state")) ?? state); // the studio's clock stood while nobody heard it
  $("play").focus();
}

const length = () => (state ? Math.max(state.seconds, state.whole) : 0);
const marks = () => (card?.sections ?? []).filter((part) => part.seconds !== null)
  .map(({ tag, seconds, how, lines }) => ({ name: tag, start: seconds, how, lines }));
const seek = (to) => state && aim.at(within(0, to, state.seconds));

function goSection(step) {
  const starts = marks().map((mark) => mark.start), now = shown();
  if (step < 0) seek(starts.findLast((start) => start < now - 1.5) ?? 0);
  else if (starts.some((start) => start > now + 0.1)) seek(starts.find((start) => start > now + 0.1));
}

// In percent as the studio has it, whose square sounds even.
const percent = () => Math.round(100 * Math.sqrt(state?.volume ?? 1));
const setVolume = (to) => wish("volume", { volume: (within(0, to, 100) / 100) ** 2 });

function mute() {
  speaker.muted = !speaker.muted;
  speaker.setGain();
  set($("mute"), `${speaker.muted}`, "aria-pressed");
}

function compare() {
  if (state?.a && state.b) wish("compare");
  else say("Mark two takes first, one as A and one as B.");
}

function hear(stem) {
  if (card?.stems.includes(stem)) wish("stem", { stem });
  else say(`This take has no ${stem} of its own.`);
}

// What is shown

function say(words) {
  clearTimeout(passing);
  passingWords = words;
  if (words) passing = setTimeout(say, 5000, "");
  showStatus();
}

function statusWords() {
  const { waiting, failed } = speaker.heard;
  if (!isLinked) return lostWords;
  if (passingWords) return passingWords;
  if (!state?.take) return "No take is in hand. Choose one below, or play one in the studio.";
  if (speaker.blocked && state.playing) return "The browser lets this tab play once you press the button.";
  if (failed) return "This browser cannot play the file, or it is gone.";
  if (making && !speaker.url) return "The light version is being made …";
  if (waiting && state.playing) return state.grows ? "Waiting for more of the song …" : "Waiting for sound …";
  if (!state.grows) return "In step with the studio.";
  return `Being made: ${clock(state.seconds)} of ${state.whole ? clock(state.whole) : "?"} can be heard.`;
}

function showStatus() {
  set($("status"), statusWords());
  $("status").className = isLinked && !speaker.heard.failed ? "" : "bad";
}

function showPlay() {
  const plays = Boolean(state?.playing);
  $("allow").hidden = !(speaker.blocked && plays);
  set($("play"), plays ? "Pause" : "Play");
  document.title = `${plays ? "▶ " : ""}${state?.title || "songdesk"}`;
  if (navigator.mediaSession) navigator.mediaSession.playbackState = plays ? "playing" : "paused";
  showStatus();
}

function showPlace() {
  if (isDragging) return;
  const now = shown(), part = marks().findLast((mark) => mark.start <= now + 0.01);
  wave.place = now;
  set($("now"), clock(now));
  set($("part"), part ? part.name + (part.how ? ` (${part.how})` : "") : "");
  $("seek").value = now;
  set($("seek"), `${clock(now)} of ${clock(length())}${part ? `, ${part.name}` : ""}`, "aria-valuetext");
  showLine(part?.lines ?? [], now);
}

// The line that is sung where its time is known, else those of the section.
function showLine(lines, now) {
  const isTimed = lines.some((line) => line.seconds !== null);
  const line = lines.findLast((one) => one.seconds !== null && one.seconds <= now + 0.05);
  set($("lyrics"), isTimed ? line?.text ?? "" : lines.map((one) => one.text).join("\n"));
  $("lyrics").className = isTimed ? "line" : "";
}

function showState() {
  set($("title"), state.title || "songdesk");
  set($("length"), clock(length()));
  $("seek").max = length();
  $("seek").disabled = !state.take;
  if (document.activeElement !== $("volume")) $("volume").value = percent();
  wave.show(marks(), length(), state.loop);
  showStems();
  const isPair = Boolean(state.a && state.b);
  for (const button of all("[data-side]")) {
    button.disabled = !isPair;
    set(button, `${isPair && state[button.dataset.side] === state.take}`, "aria-pressed");
  }
  set($("pairs"), isPair ? "" : "Mark two takes below.");
  showTakes();
}

function showStems() {
  const box = $("stems"), stems = card?.stems ?? [];
  if (box.dataset.stems !== stems.join()) {
    box.dataset.stems = stems.join();
    const labels = stems.map((value) => {
      const radio = make("input", { type: "radio", name: "stem", value, onchange: () => hear(value) });
      return make("label", {}, {}, radio, STEMS[value] ?? value);
    });
    box.replaceChildren(box.firstElementChild, ...labels);
  }
  box.hidden = stems.length < 2;
  for (const radio of box.querySelectorAll("input")) radio.checked = radio.value === state.stem;
}

function showQuality() {
  for (const radio of all("[name=quality]")) radio.checked = radio.value === quality;
}

function showTakes() {
  const list = $("takes"), { take, a, b, stem } = state ?? {};
  const shown = JSON.stringify([cards, older, take, a, b, stem]);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  const focus = document.activeElement.dataset.name; // the list is made anew under the keyboard
  list.replaceChildren(...cards.map((one) => takeRow(one, state, wish)));
  if (focus) list.querySelector(`[data-name="${focus}"]`)?.focus();
  if (!cards.length) list.append(make("li", { textContent: "There are no takes yet." }));
  if (older) list.append(make("li", { textContent: `… and ${older} older ones, which the studio has` }));
}

// What comes from the studio

function take(next) {
  const before = state;
  state = next;
  const isOther = before?.take !== next.take || before.grows !== next.grows;
  aim.told(next.place, before?.take !== next.take);
  if (isOther) {
    card = cards.find((one) => one.id === next.take) ?? null;
    readCard();
  }
  if (isOther || before.stem !== next.stem || (next.grows && next.seconds > drawn + 2)) {
    drawn = next.seconds;
    wave.load(`takes/${next.take}/peaks/${next.stem}`);
  }
  showState();
  follow();
}

async function readCard() {
  const id = state?.take, read = id ? await ask(`takes/${id}`) : null;
  if (!read || state.take !== id) return;
  card = read;
  showState();
}

async function readTakes() {
  const read = await ask("takes");
  if (!read) return;
  cards = read.takes;
  older = read.left_out;
  showTakes();
  readCard();
}

function told(kind, facts, isNew) {
  isLinked = true;
  if (isNew) {
    speaker.renew();
    readTakes();
    if (wasSilenced && facts.playing) {
      facts.playing = false;
      wish("pause");
    }
    wasSilenced = false;
  }
  if (kind === "state") take(facts);
  else if (kind === "takes") readTakes();
  else if (state) { // a beat; far off, the leading tab stalls, and a state follows when it goes on
    Object.assign(state, { lead: facts.lead, tabs: facts.tabs });
    if (Math.abs(facts.place - place()) < 1) Object.assign(state, { place: facts.place, at: facts.now });
    changed(); // whoever answers no beat is taken to sleep
  }
}

function lost(isGone) {
  isLinked = false;
  lostWords = isGone ? "This address is no longer good: the studio shows the new one."
    : "No link to the studio; trying again …";
  showStatus();
}

// Hands

$("allow").onclick = allow;
$("play").onclick = toggle;
$("mute").onclick = mute;
$("volume").oninput = (event) => setVolume(Number(event.target.value));
$("seek").oninput = ({ target }) => {
  isDragging = true;
  set($("now"), clock(target.value));
  wave.place = Number(target.value);
};
$("seek").onchange = ({ target }) => {
  isDragging = false;
  seek(Number(target.value));
};
for (const button of all("[data-do]")) button.onclick = () => wish(button.dataset.do);
for (const button of all("[data-skip]")) button.onclick = () => seek(shown() + Number(button.dataset.skip));
for (const button of all("[data-part]")) button.onclick = () => goSection(Number(button.dataset.part));
for (const button of all("[data-side]")) {
  button.onclick = () => { if (state[button.dataset.side] !== state.take) compare(); };
}
for (const radio of all("[name=quality]")) {
  radio.onchange = () => {
    quality = radio.value;
    remember("sound", quality);
    if (state) follow();
  };
}
$("keys").onchange = (event) => remember("keys", event.target.checked);
for (const [key, words] of Object.entries(HELP)) {
  $("help").append(make("dt", { textContent: key }), make("dd", { textContent: words }));
}

function showHelp() {
  const help = document.querySelector("details");
  help.open = !help.open;
  if (help.open) help.querySelector("summary").focus();
}

const KEYS = {
  " ": toggle, m: mute, a: compare, x: compare, "?": showHelp,
  ArrowLeft: () => seek(shown() - 5), ArrowRight: () => seek(shown() + 5),
  ",": () => seek(shown() - 1), ".": () => seek(shown() + 1), p: () => goSection(-1), n: () => goSection(1),
  Home: () => seek(0), End: () => seek((state?.seconds ?? 0) - 1),
  "[": () => wish("previous"), "]": () => wish("next"),
  1: () => hear("mix"), 2: () => hear("vocal"), 3: () => hear("backing"),
  "+": () => setVolume(percent() + 5), "=": () => setVolume(percent() + 5), "-": () => setVolume(percent() - 5),
};

addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (!KEYS[key] || !$("keys").checked || event.ctrlKey || event.altKey || event.metaKey) return;
  const isSlider = target.matches("input") && target !== $("seek");
  if (key.length > 1 && isSlider) return; // arrows, Home and End move within it
  if (key === " " && (isSlider || target.matches("button, a, summary"))) return; // it presses that
  event.preventDefault();
  KEYS[key]();
});

const media = { play: () => state?.playing || toggle(), pause: () => state?.playing && toggle(),
  nexttrack: KEYS["]"], previoustrack: KEYS["["] };
for (const [name, act] of Object.entries(media)) navigator.mediaSession?.setActionHandler(name, act);

quality = remembered("sound") === "light" ? "light" : "sound";
$("keys").checked = remembered("keys") !== "false";
showQuality();
connect({ told, lost });
setInterval(() => {
  speaker.look();
  showPlace();
}, 100);
setInterval(() => { if (state?.playing) changed(); }, 1000);
