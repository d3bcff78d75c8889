// The form shows only what belongs to the fault and the side that are chosen; what is hidden is not sent.

const form = document.querySelector("[data-faults]");

function fit() {
  for (const field of form.querySelectorAll("[data-only]")) {
    const belongs = field.dataset.only.split(" ").includes(form.elements.fault.value);
    field.hidden = !belongs;
    field.querySelector("input").disabled = !belongs;
  }
  const side = form.elements.side.value;
  for (const group of form.elements.method.querySelectorAll("optgroup")) {
    group.hidden = group.disabled = group.dataset.side !== side;
  }
  if (form.elements.method.selectedOptions[0]?.parentElement.disabled) form.elements.method.value = "*";
}

if (form) {
  form.addEventListener("change", fit);
  fit();
}
