// Sends a form without leaving the page, so that what was typed stays where something is to be corrected.

import { busy } from "./forms.js";

const PATIENCE_MS = 60_000;

export async function send(event, form) {
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  tell(form, { errors: {} });
  const free = busy(form);
  let answer;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    answer = await response.json();
  } catch {
    // No answer, or one that is not ours: the same form may be sent again, it counts once.
    answer = { title: form.dataset.trouble };
  }
  if (answer.go) {
    location.assign(answer.go);
    return;
  }
  free();
  tell(form, answer);
}

/** Takes an error away as soon as its field is being corrected: it spoke of what stood there before. */
export function forgive(form) {
  form.addEventListener("input", (event) => {
    const place = document.getElementById(`${event.target.name}-error`);
    if (!place?.textContent) return;
    place.textContent = "";
    event.target.removeAttribute("aria-invalid");
  });
}

/** Shows errors under their fields and the rest above the form, and moves the focus to the first of them. */
function tell(form, { errors = {}, title = "", text = "" }) {
  let first = null;
  for (const place of form.querySelectorAll(".field-error")) {
    const name = place.id.replace(/-error$/, "");
    const field = form.elements[name];
    place.textContent = errors[name] ?? "";
    if (errors[name]) {
      field.setAttribute("aria-invalid", "true");
      first ??= field;
    } else {
      field.removeAttribute("aria-invalid");
    }
  }
  const trouble = document.getElementById("trouble");
  trouble.replaceChildren();
  if (title || text) {
    const notice = document.createElement("div");
    notice.className = "notice notice--bad";
    const strong = document.createElement("strong");
    strong.textContent = title;
    const words = document.createElement("p");
    words.textContent = text;
    const both = document.createElement("div");
    both.append(strong, words);
    notice.append(both);
    trouble.append(notice);
    first ??= trouble;
  }
  if (first) {
    first.focus();
    first.select?.();
  }
}
