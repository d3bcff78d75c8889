// The sandbox's pages with script: a run is followed as it goes, an amount is shown in sums, and a finding's
// requests and answers are fetched when it is opened.

const FIRST_MS = 250;
const LAST_MS = 2_000;

// On a phone the menu is folded away: what was chosen comes first.
const menu = document.querySelector(".menu-fold");
const wide = matchMedia("(min-width: 60rem)");
if (menu) {
  menu.open = wide.matches;
  wide.addEventListener("change", () => {
    menu.open = wide.matches;
  });
}

/** Asks how far a run is, and opens its page anew when it has ended. */
function follow(run) {
  const address = new URL(run.dataset.run, location.href);
  const rows = document.querySelector("[data-rows]");
  let from = Number(run.dataset.from);
  let wait = FIRST_MS;

  const show = ({ done, of, now, rows: found }) => {
    run.querySelector("[data-done]").textContent = done;
    run.querySelector("[data-of]").textContent = of;
    run.querySelector("[data-now]").textContent = now;
    const bar = run.querySelector("[data-bar]");
    bar.max = Math.max(of, 1);
    bar.value = done;
    for (const { badge, word, title } of found) {
      const line = document.createElement("li");
      const verdict = document.createElement("span");
      verdict.className = badge ? `badge badge--${badge}` : "badge";
      verdict.textContent = word;
      const name = document.createElement("span");
      name.textContent = title;
      line.append(verdict, name);
      rows.prepend(line);
    }
    from += found.length;
    wait = found.length ? FIRST_MS : Math.min(wait * 1.3, LAST_MS);
  };

  const ask = async () => {
    address.searchParams.set("from", from);
    try {
      const response = await fetch(address, { headers: { Accept: "application/json" } });
      const answer = await response.json();
      if (answer.state !== "running") {
        location.reload();
        return;
      }
      show(answer);
    } catch {
      // The network is away for a moment: the run goes on without us.
      wait = LAST_MS;
    }
    setTimeout(ask, wait);
  };
  setTimeout(ask, wait);
}

const run = document.querySelector("[data-run]");
if (run) follow(run);

/** Shows an amount in tiyin as sums, in the page's own way of writing numbers. */
function sums(input) {
  const shown = document.querySelector("[data-sums-shown]");
  const language = document.documentElement.lang;
  const show = () => {
    const text = input.value.trim();
    if (!/^[0-9]{1,14}$/.test(text) || Number(text) === 0) {
      shown.textContent = "—";
      return;
    }
    const tiyin = Number(text) % 100;
    const whole = String(Math.floor(Number(text) / 100));
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, language === "en" ? "," : "\u00a0");
    const rest = tiyin ? (language === "en" ? "." : ",") + String(tiyin).padStart(2, "0") : "";
    const number = grouped + rest;
    shown.textContent = { ru: `${number} сум`, uz: `${number} soʻm` }[language] ?? `UZS ${number}`;
  };
  input.addEventListener("input", show);
  show();
}

const amount = document.querySelector("[data-sums]");
if (amount) sums(amount);

/** Fetches a finding's inside when it is opened; the link stays where that fails. */
async function load(fold) {
  const link = fold.querySelector(".finding-link");
  if (!link || fold.dataset.loading) return;
  fold.dataset.loading = "";
  try {
    const response = await fetch(fold.dataset.load);
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const inside = page.querySelector("[data-finding]");
    if (inside) link.replaceWith(document.adoptNode(inside));
  } catch {
    // The link leads to the same.
  } finally {
    delete fold.dataset.loading;
  }
}

for (const fold of document.querySelectorAll("details[data-load]")) {
  fold.addEventListener("toggle", () => {
    if (fold.open) load(fold);
  });
}

const KEPT = "tiyin-sandbox";

/** Keeps what was typed while another test is chosen from the menu; what the server filled in anew wins. */
function keep(form) {
  const fields = [...form.elements].filter((field) => field.name);
  const read = () =>
    JSON.stringify(
      fields.map((field) => (["checkbox", "radio"].includes(field.type) ? field.checked : field.value)),
    );
  const before = read();
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (kept?.before === before) {
    JSON.parse(kept.typed).forEach((value, index) => {
      if (typeof value === "boolean") fields[index].checked = value;
      else fields[index].value = value;
    });
    amount?.dispatchEvent(new Event("input"));
  } else {
    sessionStorage.removeItem(KEPT);
  }
  form.addEventListener("input", () => {
    sessionStorage.setItem(KEPT, JSON.stringify({ before, typed: read() }));
  });
  form.addEventListener("submit", () => sessionStorage.removeItem(KEPT));
}

const parameters = document.querySelector(".parameters");
if (parameters) keep(parameters);
