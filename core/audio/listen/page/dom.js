// Small words for the page's elements, and what this browser remembers.

export const $ = (id) => document.getElementById(id);
export const all = (selector) => document.querySelectorAll(selector);
export const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
export const within = (low, value, high) => Math.max(low, Math.min(value, high));

export function make(name, fields, attributes = {}, ...children) {
  const element = Object.assign(document.createElement(name), fields);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function set(element, text, attribute = "") {
  if (!attribute) { if (element.textContent !== text) element.textContent = text; }
  else if (element.getAttribute(attribute) !== text) element.setAttribute(attribute, text);
}

export function remembered(name) {
  try { return localStorage.getItem(`songdesk.${name}`); } catch { return null; }
}

export function remember(name, value) {
  try { localStorage.setItem(`songdesk.${name}`, value); } catch { /* a private window keeps nothing */ }
}
