// What every page's forms share: a pressed button cannot be pressed twice, and an identifier can be copied.

const root = document.documentElement;
root.dataset.script = "on";

/** Shows that a form works; gives back what ends it. */
export function busy(form) {
  const buttons = [...form.querySelectorAll("button[type=submit], button:not([type])")];
  form.setAttribute("aria-busy", "true");
  for (const button of buttons) {
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
  }
  return () => {
    form.removeAttribute("aria-busy");
    for (const button of buttons) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  };
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  // The button is disabled after the browser has collected the fields, so that its own value is sent too.
  setTimeout(() => busy(form), 0);
});

// A page that comes back from the browser's memory must not keep its buttons dead.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = button.querySelector("[aria-live]") ?? button;
  const before = words.textContent;
  await navigator.clipboard.writeText(button.dataset.copy);
  words.textContent = button.dataset.copied;
  button.dataset.told = "";
  setTimeout(() => {
    words.textContent = before;
    delete button.dataset.told;
  }, 2000);
});
