// The card form: a card, a code, and a token for the shop. Until the end the number lives in its field, in the call
// that makes the token, and in what tells a repeat of that call; it is put into no address, storage or message.

import { Lost, Refused, caller, newKey } from "./card_form_api.js";
import { handsOf, tellHeight } from "./card_form_return.js";
import { cardFields } from "./card_fields.js";
import { countdown } from "./countdown.js";
import { busy } from "./forms.js";

const RESULT = ["number", "expire", "token", "recurrent", "verify"];
const FIELDS = ["number", "expire", "code"];

const at = (id) => document.getElementById(id);
const root = at("card-form");
const settings = JSON.parse(root.dataset.settings);
const call = caller(settings.desk, settings.language);
const hands = handsOf(settings);
const cardForm = at("card");
const codeForm = at("code-form");
const againForm = at("again");

let token = "";
let ended = false;
let stopCounting = () => {};

// One key for one card as it was typed: pressed again after a lost answer, it makes no second token.
let once = { made: "", key: "" };

const digits = (id) => at(id).value.replace(/\D/g, "");
const isMonth = (expire) => /^(0[1-9]|1[0-2])\d\d$/.test(expire);
const isCard = () => digits("number").length === 16 && isMonth(digits("expire"));
const isCode = () => digits("code").length === 6;

function refresh() {
  const here = !ended && hands.ready();
  at("continue").disabled = !here || !isCard();
  at("confirm").disabled = !here || !isCode();
}

function fault(id, text) {
  at(`${id}-error`).textContent = text;
  if (text) at(id).setAttribute("aria-invalid", "true");
  else at(id).removeAttribute("aria-invalid");
}

function trouble(text) {
  at("trouble").hidden = !text;
  at("trouble-text").textContent = text;
}

function forgive() {
  trouble("");
  for (const id of FIELDS) fault(id, "");
}

function show(screen) {
  for (const other of ["card-screen", "code-screen", "end-screen"]) at(other).hidden = other !== screen;
  at("cancel").hidden = screen === "end-screen";
  refresh();
}

/** Goes back to the card; the token that was made for the last one is forgotten. */
function askForCard() {
  stopCounting();
  token = "";
  at("code").value = "";
  show("card-screen");
  at("number").focus();
}

function askForCode(masked, sent) {
  at("code-sent").textContent = at("code-sent").dataset.shown.replace("{phone}", sent.phone);
  at("code-card").textContent = masked;
  count(sent.wait);
  show("code-screen");
  // In a web view the system's own "back" leads from the code to the card; a frame's history is the shop's.
  if (settings.way === "bridge" && history.state?.screen !== "code") {
    history.pushState({ screen: "code" }, "");
  }
  at("code").focus();
}

function count(waitMs) {
  const timer = at("again-timer");
  stopCounting();
  at("again-over").textContent = "";
  at("again-button").hidden = true;
  timer.hidden = false;
  stopCounting = countdown(timer, Math.ceil(waitMs / 1000), timer.dataset.shown, () => {
    timer.hidden = true;
    at("again-button").hidden = false;
    at("again-over").textContent = at("again-over").dataset.shown;
  });
}

function end(outcome) {
  if (ended) return;
  if (!hands.give(outcome)) {
    trouble(settings.words.unheard);
    return;
  }
  ended = true;
  stopCounting();
  token = "";
  once = { made: "", key: "" };
  for (const id of FIELDS) at(id).value = "";
  forgive();
  for (const part of document.querySelectorAll("[data-end]")) {
    part.hidden = part.dataset.end !== (outcome.result ? "done" : "cancelled");
  }
  show("end-screen");
  at("end-screen").focus();
}

function explain(error) {
  if (error instanceof Lost) {
    trouble(settings.words.lost);
    at("trouble").focus();
    return;
  }
  if (!(error instanceof Refused)) throw error;
  const [place, text] = settings.errors[error.code] ?? ["trouble", error.message];
  if (place === "code") {
    fault("code", text);
    at("code").value = "";
    at("code").focus();
  } else if (place === "number") {
    if (at("card-screen").hidden) askForCard();
    const field = error.data.endsWith("expire") ? "expire" : "number";
    fault(field, text);
    at(field).focus();
  } else {
    if (place === "card") {
      once = { made: "", key: "" };
      askForCard();
    }
    trouble(text);
    at("trouble").focus();
  }
}

/** Runs what a form's button does, once at a time, and says what went wrong. */
function onSubmit(form, act) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (ended || form.getAttribute("aria-busy") === "true" || !hands.ready()) return;
    forgive();
    const free = busy(form);
    let failed = null;
    try {
      await act();
    } catch (error) {
      failed = error;
    }
    free();
    if (failed && !ended) explain(failed);
    refresh();
  });
}

onSubmit(cardForm, async () => {
  if (!isCard()) return;
  const save = settings.save || Boolean(at("keep")?.checked);
  const params = { card: { number: digits("number"), expire: digits("expire") }, save };
  if (!save) params.amount = settings.amount;
  if (Object.keys(settings.account).length) params.account = settings.account;
  const made = JSON.stringify(params);
  if (made !== once.made) once = { made, key: newKey() };
  const { card } = await call("cards.create", params, once.key);
  const sent = await call("cards.get_verify_code", { token: card.token });
  if (ended) return;
  token = card.token;
  askForCode(card.number, sent);
});

onSubmit(codeForm, async () => {
  if (!isCode()) return;
  const asked = token;
  const { card } = await call("cards.verify", { token: asked, code: digits("code") });
  // Meanwhile the payer may have gone back for another card.
  if (ended || asked !== token) return;
  end({ result: Object.fromEntries(RESULT.map((name) => [name, card[name]])) });
});

onSubmit(againForm, async () => {
  const asked = token;
  const sent = await call("cards.get_verify_code", { token: asked });
  if (ended || asked !== token) return;
  at("code").value = "";
  count(sent.wait);
  at("code").focus();
});

at("cancel").addEventListener("click", () => end({ cancelled: true }));

at("other-card").addEventListener("click", () => {
  forgive();
  if (history.state?.screen === "code") history.back();
  else askForCard();
});

addEventListener("popstate", () => {
  if (ended || at("code-screen").hidden || history.state?.screen === "code") return;
  forgive();
  askForCard();
});

cardForm.addEventListener("input", (event) => {
  if (event.target.id !== "keep") fault(event.target.id, "");
  const expire = digits("expire");
  if (expire.length === 4 && !isMonth(expire)) fault("expire", settings.words.expire);
  refresh();
});
// A test card is filled in by its button, which is no typing.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-fill-number]")) return;
  forgive();
  refresh();
  at("continue").focus();
});
codeForm.addEventListener("input", () => {
  at("code").value = digits("code").slice(0, 6);
  fault("code", "");
  refresh();
});

cardFields(cardForm);
at("loading").hidden = true;
if (hands.ready()) {
  at("cancel").hidden = false;
} else {
  at("astray").hidden = false;
  at("card-screen").hidden = true;
}
// A page that was reloaded stands at the card again, whatever its history says.
if (history.state?.screen === "code") history.replaceState(null, "");
tellHeight(settings, document.querySelector(".page"));
refresh();
if (window.top === window && hands.ready()) at("number").focus();
root.dataset.ready = "";
