// The checkout's pages with script: the same forms, answered without leaving the page, and what counts and waits.

import { cardFields } from "./card_fields.js";
import { countdown } from "./countdown.js";
import { forgive, send } from "./sending.js";
import { poll } from "./progress.js";

// From here on what only the script does may be shown.
document.documentElement.dataset.checkout = "on";

// Where there is room beside the form, what is bought is shown at once.
const goods = document.querySelector(".goods");
if (goods && matchMedia("(min-width: 60rem)").matches) goods.open = true;

const card = document.querySelector("form[data-form=card]");
if (card) cardFields(card);

const code = document.querySelector("form[data-form=code]");
if (code) {
  const field = code.elements.code;
  field.addEventListener("input", () => {
    field.value = field.value.replace(/\D/g, "").slice(0, 6);
  });
}

for (const form of [card, code]) {
  if (!form) continue;
  form.addEventListener("submit", (event) => send(event, form));
  forgive(form);
}

const again = document.querySelector("form[data-form=again] [data-countdown]");
if (again) {
  countdown(again, Number(again.dataset.countdown), again.dataset.shown, () => {
    again.hidden = true;
    const over = document.querySelector("[data-countdown-over]");
    if (over) over.textContent = over.dataset.countdownOver;
  });
}

const back = document.querySelector("[data-return]");
if (back) {
  const timer = back.querySelector("[data-shown]");
  const stop = countdown(timer, Number(back.dataset.countdown), timer.dataset.shown, () => {
    location.assign(back.dataset.return);
  });
  back.querySelector("[data-stay]").addEventListener("click", () => {
    stop();
    back.hidden = true;
  });
}

const steps = document.querySelector("[data-poll]");
if (steps) poll(steps);
