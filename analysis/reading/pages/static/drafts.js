// What has been chosen or typed and is not saved yet. It stays in this browser until it is saved or given up.

const PREFIX = `draft:${document.body.dataset.store}:`;
const OLD = 14 * 86400e3;

function all() {
  return Object.keys(localStorage).filter((name) => name.startsWith("draft:"));
}

export function keep(handle, draft) {
  try {
    localStorage.setItem(PREFIX + handle, JSON.stringify({ ...draft, at: Date.now() }));
  } catch { /* a full or forbidden storage: the page works as without drafts */ }
}

export function find(handle) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + handle));
  } catch {
    return null;
  }
}

export function drop(handle) {
  localStorage.removeItem(PREFIX + handle);
}

export const mine = () => all().filter((name) => name.startsWith(PREFIX));

export function dropAll() {
  for (const name of mine()) localStorage.removeItem(name);
}

for (const name of all()) {
  let at = 0;
  try { ({ at } = JSON.parse(localStorage.getItem(name))); } catch { /* what can't be read goes */ }
  if (!(Date.now() - at < OLD)) localStorage.removeItem(name);
}
