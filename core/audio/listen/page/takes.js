// A take in the list: to be heard, compared and downloaded.

import { clock, make } from "./dom.js";

// `wish(what, facts)` asks the studio for something.
export function takeRow(card, state, wish) {
  const { id, title, name, seconds, star, stems, grows } = card;
  const isHere = id === state?.take, stem = isHere && stems.includes(state.stem) ? state.stem : "mix";
  const length = seconds === null ? "" : clock(seconds), stage = grows ? "being made" : card.state;
  const textContent = [title, name, length, star ? "★" : "", stage].filter(Boolean).join(" · ");
  const row = make("li", {}, {}, make(
    "button", { className: "name", textContent, onclick: () => wish("take", { take: id }) },
    { "data-name": id, "aria-current": isHere, dir: "auto" },
  ));
  if (grows) return row;
  for (const letter of ["a", "b"]) {
    const side = letter.toUpperCase();
    row.append(make("button", { textContent: side, onclick: () => wish("mark", { letter, take: id }) }, {
      "data-name": id + letter, "aria-label": `${side}: compare ${title}, ${name}`,
      "aria-pressed": state?.[letter] === id,
    }));
  }
  const href = `takes/${id}/sound/${stem}?download`;
  row.append(make("a", { className: "button", href, textContent: "Download" }, {
    "data-name": `${id}get`, "aria-label": `Download ${title}, ${name}, ${stem}`,
  }));
  return row;
}
