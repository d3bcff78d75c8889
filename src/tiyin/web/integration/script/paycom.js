// Paycom.Button and Paycom.QR: what a merchant's page calls.

var NO_BUTTON_CONTAINER = "Контейнер кнопки не найден";
var NO_QR_CONTAINER = "Контейнер QR-кода не найден";
var NOT_IN_QR = "Эти данные не помещаются в QR-код";

// Forms whose code follows what is typed, and what draws it.
var followed = [];
var redraws = [];

function tell(problem) {
  if (window.console && console.error) console.error(problem);
}

function clear(container) {
  while (container.firstChild) container.removeChild(container.firstChild);
}

// Opens the payment page where the form itself would have opened it.
function go(link, target) {
  if (!target || target === "_self") {
    window.location.href = link;
    return;
  }
  var anchor = document.createElement("a");
  anchor.href = link;
  anchor.target = target;
  anchor.rel = "noopener";
  document.body.appendChild(anchor);
  anchor.click();
  document.body.removeChild(anchor);
}

function send(event) {
  if (event.defaultPrevented) return;
  var form = event.currentTarget;
  var request = requestOf(form);
  // A form goes as it is where no link can carry it, and where something in it is wrong: the payment page
  // says in words what, where a button that does nothing would not.
  if (request.wrong) tell(PROBLEMS[request.wrong]);
  if (!request.link) return;
  event.preventDefault();
  go(request.link, form.getAttribute("target"));
}

function drawButton(formSelector, containerSelector) {
  var form = formOf(formSelector);
  if (!form) return tell(PROBLEMS.form);
  var container = elementOf(containerSelector);
  if (!container) return tell(NO_BUTTON_CONTAINER);
  clear(container);
  var request = requestOf(form);
  // What a payer has still to type is not wrong yet.
  if (request.wrong && !request.typed) return tell(PROBLEMS[request.wrong]);
  // Drawn again, it listens once all the same: a form keeps one listener of a kind.
  form.addEventListener("submit", send);
  container.appendChild(pictureButton(request.lang, wishesOf(form, "button")));
}

function drawCode(formSelector, containerSelector) {
  var form = formOf(formSelector);
  if (!form) return tell(PROBLEMS.form);
  var container = elementOf(containerSelector);
  if (!container) return tell(NO_QR_CONTAINER);
  var draw = function (mayWait) {
    clear(container);
    var request = requestOf(form);
    if (request.wrong) return request.typed && mayWait ? undefined : tell(PROBLEMS[request.wrong]);
    var code = request.bare ? qrOf(bytesOf(request.bare)) : null;
    if (!code) return tell(NOT_IN_QR);
    var words = QR_WORDS[request.lang].replace("{sum}", sumOf(request.amount, request.lang));
    var wishes = wishesOf(form, "qr");
    container.appendChild(pictureCode(code.rows, words, wishes && wishes.getAttribute("data-width")));
  };
  var at = followed.indexOf(form);
  if (at < 0) {
    at = followed.push(form) - 1;
    form.addEventListener("change", function () {
      redraws[at](true);
    });
  }
  redraws[at] = draw;
  draw(true);
}

window.Paycom = window.Paycom || {};
window.Paycom.Button = drawButton;
window.Paycom.QR = drawCode;
