import { post } from "./talk.js";

const form = document.querySelector("form");
const message = document.querySelector("[role=alert]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("/api/sign-in", { token: form.token.value });
    window.location.assign("/");
  } catch (error) {
    message.textContent = error.message;
    form.token.select();
  }
});
