// Asks how far the payment is, more and more rarely, and opens the result when there is one.

const FIRST_MS = 700;
const LAST_MS = 5_000;
const SLOW_MS = 20_000;

export function poll(steps) {
  const began = performance.now();
  steps.dataset.polling = "";
  const slow = document.querySelector("[data-slow]");
  let wait = FIRST_MS;

  const ask = async () => {
    try {
      const response = await fetch(steps.dataset.poll, { headers: { Accept: "application/json" } });
      const { step } = await response.json();
      if (!step) {
        location.reload();
        return;
      }
      [...steps.children].forEach((line, index) => {
        const now = index + 1 < step ? "done" : index + 1 === step ? "now" : "next";
        if (line.dataset.step !== now) line.dataset.step = now;
      });
    } catch {
      // The network is away for a moment: the payment is not, so the question is asked again.
    }
    if (slow && performance.now() - began > SLOW_MS) slow.hidden = false;
    wait = Math.min(wait * 1.3, LAST_MS);
    setTimeout(ask, wait);
  };
  setTimeout(ask, wait);
}
