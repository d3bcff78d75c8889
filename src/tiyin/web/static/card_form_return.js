// Hands the card form's result back: to the page around the frame, to the app around the web view, or to an
// address. To whom was judged on the server; a message goes to that very origin and to no other.

const NAME = "TiyinCardForm";
const TYPE = "tiyin.card-form";

/** Gives what takes a text for the app, or null where no app is around. */
function bridge() {
  const own = window[NAME];
  const apple = window.webkit?.messageHandlers?.[NAME];
  const native = window.ReactNativeWebView;
  if (typeof own?.onResult === "function") return (text) => own.onResult(text);
  if (typeof own?.postMessage === "function") return (text) => own.postMessage(text);
  if (typeof apple?.postMessage === "function") return (text) => apple.postMessage(text);
  if (typeof native?.postMessage === "function") return (text) => native.postMessage(text);
  return null;
}

/** Gives the address that carries the outcome behind its "#": no server is told of that part. */
function addressOf(to, { result, state }) {
  const fields = new URLSearchParams({ status: result ? "done" : "cancelled", ...result });
  if (state) fields.set("state", state);
  return `${to}#${fields}`;
}

const WAYS = {
  bridge: () => ({
    ready: () => bridge() !== null,
    give: (message) => bridge()(JSON.stringify(message)),
  }),
  message: ({ to }) => ({
    ready: () => window.parent !== window,
    give: (message) => window.parent.postMessage(message, to),
  }),
  redirect: ({ to }) => ({
    ready: () => true,
    give: (message) => {
      const address = addressOf(to, message);
      const link = document.getElementById("back");
      link.href = address;
      link.hidden = false;
      location.replace(address);
    },
  }),
};

/** Gives the hands of a form: `ready` tells whether anybody takes the outcome, `give` gives it once. */
export function handsOf(settings) {
  const way = WAYS[settings.way](settings);
  let given = false;
  return {
    ready: way.ready,
    /** Tells whether it was taken. */
    give(outcome) {
      if (given) return true;
      try {
        way.give({ type: TYPE, ...outcome, state: settings.state });
      } catch {
        return false;
      }
      given = true;
      return true;
    },
  };
}

/** Tells the page around the frame how high the form is, now and whenever it changes. */
export function tellHeight({ way, to, state }, element) {
  if (way !== "message" || window.parent === window || typeof ResizeObserver !== "function") return;
  document.documentElement.dataset.framed = "";
  let told = 0;
  const tell = () => {
    const height = Math.ceil(element.getBoundingClientRect().height);
    if (height === told) return;
    told = height;
    window.parent.postMessage({ type: TYPE, height, state }, to);
  };
  new ResizeObserver(tell).observe(element);
}
