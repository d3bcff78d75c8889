// The traffic page shows new exchanges by itself: it waits for the next one and takes the list anew.

const told = document.querySelector("[data-live]");
const list = document.querySelector("[data-exchanges]");
const WAIT_MS = 20_000;
const RETRY_MS = 2_000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Asks for the first exchange after the newest one that is shown; gives the newest number there is. */
async function nextNewest(newest) {
  const asked = new URLSearchParams(location.search);
  asked.delete("lang");
  asked.set("after", newest);
  asked.set("limit", "1");
  asked.set("wait_ms", WAIT_MS);
  const answer = await fetch(`/dev/traffic?${asked}`, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return (await answer.json()).newest;
}

/** Takes the list out of the page as the server draws it now. */
async function redraw() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  list.replaceChildren(...page.querySelector("[data-exchanges]").childNodes);
}

async function follow() {
  let newest = Number(told.dataset.newest);
  for (;;) {
    try {
      told.textContent = told.dataset.on;
      const began = performance.now();
      const now = await nextNewest(newest);
      if (now !== newest) {
        newest = now;
        await redraw();
      } else if (performance.now() - began < RETRY_MS) {
        await pause(RETRY_MS);
      }
    } catch {
      told.textContent = told.dataset.off;
      await pause(RETRY_MS);
    }
    // A page that nobody looks at asks for nothing.
    if (document.hidden) {
      await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
    }
  }
}

if (told && list) follow();

// The whole row opens, as its number does.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr");
  if (!row || event.target.closest("a, button") || getSelection().toString()) return;
  row.querySelector("a.row-link")?.click();
});
