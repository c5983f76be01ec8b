// What the pages say to the server.

const csrf = document.querySelector('meta[name="csrf"]')?.content ?? "";

export class Refusal extends Error {}

async function ask(method, path, body) {
  const options = { method, credentials: "same-origin", headers: {} };
  if (method !== "GET") {
    options.headers = { "Content-Type": "application/json", "X-CSRF": csrf };
    options.body = JSON.stringify(body ?? {});
  }
  const answer = await fetch(path, options);
  if (answer.status === 401 && path !== "/api/sign-in") {
    window.location.assign("/sign-in");
    throw new Refusal("You are signed out.");
  }
  const content = await answer.json();
  if (answer.ok) return content;
  const detail = typeof content.detail === "string" ? content.detail : "The server did not understand the page; reload it.";
  if (answer.status >= 500) throw new Error(detail);
  throw new Refusal(detail);
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);

// Sends until it has been answered: the server takes the same key only once, so nothing is doubled.
export async function insist(path, body, onWait) {
  for (let wait = 500; ; wait = Math.min(2 * wait, 8000)) {
    try {
      return await post(path, body);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      onWait();
      await new Promise((done) => setTimeout(done, wait));
    }
  }
}

export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
