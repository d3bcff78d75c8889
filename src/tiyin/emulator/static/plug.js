// Follows a run: asks for the page again and puts the new timeline in the place of the old one.

const WAIT_MS = 400;
const AGAIN_MS = 2_000;

const follow = async () => {
  const shown = document.querySelector("[data-run]");
  if (!shown || shown.dataset.run === "over") return;
  let wait = WAIT_MS;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser()
      .parseFromString(await response.text(), "text/html")
      .querySelector("[data-run]");
    if (response.ok && fresh && fresh.innerHTML !== shown.innerHTML) {
      document.documentElement.dataset.script = "on";
      shown.replaceWith(fresh);
    }
  } catch {
    // The emulator is away for a moment; the run is not lost by that.
    wait = AGAIN_MS;
  }
  setTimeout(follow, wait);
};

setTimeout(follow, WAIT_MS);
