// Which key was meant, on whatever keyboard: by its letter, and digits by their place.

// Capitals mean Shift, not CapsLock; the digits of an AZERTY keyboard count without Shift, too.
export function keyOf(event) {
  const { key, code } = event;
  if (/^[0-9]$/.test(key)) return key;
  const place = /^Digit([0-9])$/.exec(code);
  if (place && !event.shiftKey) return place[1];
  const letter = /^[a-z]$/i.test(key) ? key : /^\p{L}$/u.test(key) ? (/^Key([A-Z])$/.exec(code) ?? [])[1] : undefined;
  if (letter) return (event.shiftKey ? "Shift+" : "") + letter.toLowerCase();
  if (event.shiftKey && (key === "Enter" || key === "Backspace")) return `Shift+${key}`;
  return key;
}

// Whether the browser itself knows what to do with a key there: a button is pressed, text is typed.
export function isTheirs(event) {
  const { target, key } = event;
  if (!(target instanceof Element)) return false;
  if (target.closest("dialog[open], [role=dialog]") && key !== "Escape") return true;
  if (target.matches("textarea, select, input:not([type=radio], [type=checkbox])")) return true;
  return (key === "Enter" || key === " ") && Boolean(target.closest("button, a, summary"));
}
