// What the pages say to the server.

const meta = document.querySelector('meta[name="csrf"]');
let csrf = meta?.content ?? "";
let asking = null; // somebody is signing in again, and all requests wait for that

// The server has understood, and says no: `saved` is what it holds instead, where it says so.
export class Refusal extends Error {
  constructor(message, saved) {
    super(message);
    this.saved = saved;
  }
}

// The server is not there, or says that it will be: the same request may be sent again.
export class Away extends Error {}

export async function ask(method, path, body) {
  for (;;) {
    const options = { method, credentials: "same-origin", headers: {}, signal: AbortSignal.timeout(60000) };
    if (method !== "GET") {
      options.headers = { "Content-Type": "application/json", "X-CSRF": csrf };
      options.body = JSON.stringify(body ?? {});
    }
    let answer;
    try {
      answer = await fetch(path, options);
    } catch {
      throw new Away("The server does not answer.");
    }
    if (answer.status === 401 && path !== "/api/sign-in" && meta) {
      await signInAgain();
      continue;
    }
    if (answer.ok) return answer;
    const content = await answer.json().catch(() => ({}));
    const detail = typeof content.detail === "string" ? content.detail : "The server failed; nothing was saved.";
    if ([502, 503, 504].includes(answer.status)) throw new Away(detail);
    if (answer.status >= 500) throw new Error(detail);
    throw new Refusal(detail, content.saved);
  }
}

export const get = async (path) => (await ask("GET", path)).json();
export const post = async (path, body) => (await ask("POST", path, body)).json();

// Sends until it has been answered: the server takes the same key only once, so nothing is doubled.
export async function insist(path, body, onWait) {
  for (let wait = 500; ; wait = Math.min(2 * wait, 8000)) {
    try {
      return await post(path, body);
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      onWait();
      await new Promise((done) => setTimeout(done, wait));
    }
  }
}

export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// The session has ended: the page stays as it is, and goes on when its reader is back.
function signInAgain() {
  asking ??= new Promise((done) => {
    const dialog = document.querySelector("#again");
    const form = dialog.querySelector("form");
    const message = dialog.querySelector("[role=alert]");
    form.onsubmit = async (event) => {
      event.preventDefault();
      try {
        const known = await post("/api/sign-in", { token: form.token.value });
        if (known.name !== document.body.dataset.reader) { window.location.assign("/"); return; }
        csrf = known.csrf;
        form.reset();
        message.textContent = "";
        dialog.close();
        asking = null;
        done();
      } catch (error) {
        message.textContent = error.message;
        form.token.select();
      }
    };
    dialog.oncancel = (event) => event.preventDefault();
    dialog.showModal();
  });
  return asking;
}
