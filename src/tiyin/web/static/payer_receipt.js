// A receipt with script: the form for a copy is answered without leaving the page, and the page prints itself.

import { forgive, send } from "./sending.js";

const form = document.querySelector("form[data-form=mail]");
if (form) {
  form.addEventListener("submit", (event) => send(event, form));
  forgive(form);

  // Whoever types an address here is not to be led back to the shop meanwhile. The line keeps its place, so that
  // nothing moves under the finger.
  form.addEventListener("focusin", () => {
    const back = document.querySelector("[data-return]");
    if (!back || back.hidden) return;
    back.querySelector("[data-stay]").click();
    back.hidden = false;
    back.style.visibility = "hidden";
  }, { once: true });
}

document.querySelector("[data-print]")?.addEventListener("click", () => print());
