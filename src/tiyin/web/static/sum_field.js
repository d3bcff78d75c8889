// The amount that a payer types: shown below as it will be paid, while he types.

import { forgive, send } from "./sending.js";

const field = document.querySelector("#sum");
const shown = document.querySelector("#sum-shown span");
const form = document.querySelector("form[data-form=open]");

const WORDS = {
  ru: { between: "\u00a0", point: ",", before: "", after: "\u00a0сум" },
  uz: { between: "\u00a0", point: ",", before: "", after: "\u00a0soʻm" },
  en: { between: ",", point: ".", before: "UZS\u00a0", after: "" },
};

/** Reads sums as the server does; null for what it would refuse. */
function tiyinOf(text) {
  const bare = text.replace(/[\s'\u2019]/g, "");
  const plain = /^(\d{1,15})(?:[.,](\d{1,2})?)?$/.exec(bare);
  const grouped = plain ?? /^(\d{1,3}(?:\.\d{3}){1,5})(?:,(\d{1,2})?)?$|^(\d{1,3}(?:,\d{3}){1,5})(?:\.(\d{1,2})?)?$/.exec(bare);
  if (!grouped || bare.length > 16) return null;
  const whole = (grouped[1] ?? grouped[3]).replace(/[.,]/g, "");
  const rest = (grouped[2] ?? grouped[4] ?? "").padEnd(2, "0");
  let tiyin = Number(whole) * 100 + Number(rest);
  if (field.dataset.roundUp === "true") tiyin = Math.ceil(tiyin / 100) * 100;
  return tiyin;
}

function tell() {
  const tiyin = tiyinOf(field.value);
  const words = WORDS[field.dataset.language];
  if (tiyin === null) {
    shown.textContent = "";
    return;
  }
  const whole = String(Math.floor(tiyin / 100)).replace(/\B(?=(\d{3})+$)/g, words.between);
  const rest = tiyin % 100 ? words.point + String(tiyin % 100).padStart(2, "0") : "";
  shown.textContent = words.before + whole + rest + words.after;
}

field.addEventListener("input", tell);
tell();

form.addEventListener("submit", (event) => send(event, form));
forgive(form);
