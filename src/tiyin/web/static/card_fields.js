// The card's two fields: digits in fours, the slash of the expiry, the test cards' shortcut.

const SCHEMES = { uzcard: /^(8600|5614|6262|5440)/, humo: /^9860/ };

/** Puts digits into a field by a pattern and keeps the caret behind the digit it stood behind. */
function arrange(field, digitsMax, write) {
  const caret = field.selectionStart ?? field.value.length;
  const before = field.value.slice(0, caret).replace(/\D/g, "").length;
  const digits = field.value.replace(/\D/g, "").slice(0, digitsMax);
  const shown = write(digits);
  if (shown === field.value) return digits;
  field.value = shown;
  if (document.activeElement === field) {
    let place = 0;
    for (let seen = 0; place < shown.length && seen < before; place++) if (/\d/.test(shown[place])) seen++;
    if (before >= digits.length) place = shown.length;
    field.setSelectionRange(place, place);
  }
  return digits;
}

const inFours = (digits) => digits.replace(/(\d{4})(?=\d)/g, "$1 ");
const withSlash = (digits) => (digits.length > 2 ? `${digits.slice(0, 2)}/${digits.slice(2)}` : digits);

export function cardFields(form) {
  const { number, expire } = form.elements;
  const schemes = [...form.querySelectorAll("[data-scheme]")];

  const readNumber = () => {
    const digits = arrange(number, 16, inFours);
    const known = Object.values(SCHEMES).some((pattern) => pattern.test(digits));
    for (const scheme of schemes) {
      if (known) scheme.dataset.on = String(SCHEMES[scheme.dataset.scheme].test(digits));
      else delete scheme.dataset.on;
    }
    return digits;
  };

  const readExpire = (typing) => {
    // "4" can only be April; "04/2027" is what some browsers fill in.
    const full = /^\s*(\d{1,2})\s*[/.-]\s*20(\d\d)\s*$/.exec(expire.value);
    if (full) expire.value = `${full[1].padStart(2, "0")}/${full[2]}`;
    else if (typing && /^[2-9]$/.test(expire.value)) expire.value = `0${expire.value}`;
    else if (/^\d\s*\/$/.test(expire.value)) expire.value = `0${expire.value[0]}`;
    return arrange(expire, 4, withSlash);
  };

  /** Takes the expiry that was pasted behind the number: "8600 0691 9540 6311 03/99". */
  const takeExpiry = () => {
    const both = /^((?:\D*\d){16})\D+(\d{1,2}\s*[/.-]\s*(?:20)?\d\d|\d{4})\D*$/.exec(number.value);
    if (!both) return;
    [, number.value, expire.value] = both;
    readExpire(false);
  };

  number.addEventListener("input", () => {
    takeExpiry();
    if (readNumber().length === 16 && number.selectionStart === number.value.length) expire.focus();
  });
  expire.addEventListener("input", (event) => readExpire(event.inputType?.startsWith("insert")));
  readNumber();
  readExpire(false);

  for (const button of document.querySelectorAll("[data-fill-number]")) {
    button.addEventListener("click", () => {
      number.value = button.dataset.fillNumber;
      expire.value = button.dataset.fillExpire;
      readNumber();
      readExpire(false);
      form.querySelector("button[type=submit]").focus();
    });
  }
}
