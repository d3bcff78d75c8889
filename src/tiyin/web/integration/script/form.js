// What stands in a merchant's form, judged as the payment page judges it, and the link that says the same.
//
// Documentation: checkout/button-and-qr, checkout/get-link, checkout/post-form

var AMOUNT_MAX = 1e13;
var TIMEOUT_MAX = 3600000;
var TIMEOUT_DEFAULT = 15000;
var LINK_LENGTH_MAX = 8192;
var CALLBACK_LENGTH_MAX = 2048;

var MERCHANT = /^[^\s;=\/?#\x00-\x1f\x85]{1,64}$/;
var AMOUNT = /^([0-9]{1,14})(\.0{1,4})?$/;
var TIMEOUT = /^[0-9]{1,8}$/;
var ACCOUNT = /^account\[([^\[\]]*)\]$/;
var CALLBACK = /^https?:\/\/([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?([\/?#]|$)/i;
var NOT_IN_ADDRESS = /[\x00-\x20\x7f-\x9f\\\u2028\u2029]/;

var PROBLEMS = {
  form: "Форма не найдена",
  action: "Неверный URL формы",
  merchant: "Неверный идентификатор поставщика",
  amount: "Неверная сумма",
  account: "Неверный аккаунт",
  callback: "Неверный адрес возврата",
  callback_timeout: "Неверное время ожидания"
};

// An element by selector, by itself, or as the first of a list, as jQuery's objects are lists.
function elementOf(what) {
  try {
    if (typeof what === "string") return document.querySelector(what);
  } catch (error) {
    return null;
  }
  // A form is a list of its fields too, so it is asked first whether it is an element.
  if (what && what.nodeType === 1) return what;
  return what && what[0] && what[0].nodeType === 1 ? what[0] : null;
}

function formOf(what) {
  var form = elementOf(what);
  return form && form.nodeName.toLowerCase() === "form" ? form : null;
}

// The input that says how a button or a code is to look.
function wishesOf(form, name) {
  return form.querySelector('[name="' + name + '"]');
}

// UTF-8, or null for half a character, which no text has.
function bytesOf(text) {
  try {
    var bytes = [];
    var encoded = encodeURIComponent(text);
    for (var i = 0; i < encoded.length; i++) {
      if (encoded.charAt(i) === "%") {
        bytes.push(parseInt(encoded.substr(i + 1, 2), 16));
        i += 2;
      } else {
        bytes.push(encoded.charCodeAt(i));
      }
    }
    return bytes;
  } catch (error) {
    return null;
  }
}

// Base64 with the letters that a path carries well.
function base64Of(bytes) {
  var letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  var text = "";
  for (var i = 0; i < bytes.length; i += 3) {
    var three = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
    text += letters.charAt(three >> 18) + letters.charAt((three >> 12) & 63);
    text += i + 1 < bytes.length ? letters.charAt((three >> 6) & 63) : "=";
    text += i + 2 < bytes.length ? letters.charAt(three & 63) : "=";
  }
  return text;
}

function isClean(text) {
  return text.indexOf("\0") < 0 && bytesOf(text) !== null;
}

// The fields that would be sent: by name, and the account's apart, in their order.
function fieldsOf(form) {
  var found = form.elements;
  // A field that is called "elements" hides the form's own.
  if (found.nodeType) found = form.querySelectorAll("input,select,textarea");
  var fields = { account: [], twice: {} };
  for (var i = 0; i < found.length; i++) {
    var field = found[i];
    var chosen = field.type !== "checkbox" && field.type !== "radio" ? true : field.checked;
    if (!field.name || field.disabled || !chosen) continue;
    var match = ACCOUNT.exec(field.name);
    if (match) {
      fields.account.push({ name: match[1], value: field.value, typed: field.type !== "hidden" });
    } else if (fields.hasOwnProperty(field.name)) {
      fields.twice[field.name] = true;
    } else {
      fields[field.name] = { value: field.value, typed: field.type !== "hidden" };
    }
  }
  return fields;
}

function valueOf(fields, name) {
  return fields.hasOwnProperty(name) && fields[name].value ? fields[name].value : "";
}

// The checkout's address with a slash at its end, or null where it is none.
function actionOf(form) {
  var anchor = document.createElement("a");
  var action = (form.getAttribute("action") || "").trim();
  anchor.href = action;
  var good = action && /^https?:$/.test(anchor.protocol) && anchor.host && !anchor.username;
  return good && !/[?#]/.test(anchor.href) ? anchor.href.replace(/\/*$/, "/") : null;
}

function languageOf(text) {
  var match = /^(ru|uz|en)([-_]|$)/.exec(text.trim().toLowerCase());
  return match ? match[1] : "ru";
}

function isGoodAccount(account) {
  var names = {};
  for (var i = 0; i < account.length; i++) {
    var field = account[i];
    if (!field.name || field.name.length > 64 || field.value.length > 256) return false;
    if (names.hasOwnProperty(field.name) || !isClean(field.name) || !isClean(field.value)) return false;
    names[field.name] = true;
  }
  return account.length > 0 && account.length <= 20;
}

function isGoodCallback(text) {
  if (text.length > CALLBACK_LENGTH_MAX || !isClean(text)) return false;
  return CALLBACK.test(text) && !NOT_IN_ADDRESS.test(text);
}

function isTyped(fields, name) {
  if (name !== "account") return fields.hasOwnProperty(name) && fields[name].typed;
  for (var i = 0; i < fields.account.length; i++) {
    if (fields.account[i].typed) return true;
  }
  return false;
}

// The name of the first field that is wrong, or nothing.
function wrongField(form, fields) {
  var amount = AMOUNT.exec(valueOf(fields, "amount").trim());
  var callback = valueOf(fields, "callback");
  var timeout = valueOf(fields, "callback_timeout").trim();
  var merchant = valueOf(fields, "merchant").trim();
  var good = {
    action: actionOf(form),
    merchant: MERCHANT.test(merchant) && isClean(merchant),
    amount: amount && amount[1] > 0 && amount[1] <= AMOUNT_MAX,
    account: isGoodAccount(fields.account),
    callback: !callback || isGoodCallback(callback),
    callback_timeout: !timeout || (TIMEOUT.test(timeout) && +timeout <= TIMEOUT_MAX)
  };
  for (var name in good) {
    if (!good[name] || fields.twice[name]) return name;
  }
  return "";
}

// What a form asks for. `wrong` names a field that is wrong; `link` is empty where no link can carry it all,
// and `bare` is the link without what no link carries: description and detail.
function requestOf(form) {
  var fields = fieldsOf(form);
  var wrong = wrongField(form, fields);
  var lang = languageOf(valueOf(fields, "lang"));
  if (wrong) return { wrong: wrong, typed: isTyped(fields, wrong), lang: lang };

  var amount = AMOUNT.exec(valueOf(fields, "amount").trim())[1].replace(/^0+/, "");
  var pairs = [["m", valueOf(fields, "merchant").trim()]];
  for (var i = 0; i < fields.account.length; i++) {
    pairs.push(["ac." + fields.account[i].name, fields.account[i].value]);
  }
  pairs.push(["a", amount]);
  if (lang !== "ru") pairs.push(["l", lang]);
  var callback = valueOf(fields, "callback");
  if (callback) pairs.push(["c", callback.replace(/;/g, "%3B")]);
  var timeout = valueOf(fields, "callback_timeout").trim();
  if (timeout && +timeout !== TIMEOUT_DEFAULT) pairs.push(["ct", String(+timeout)]);

  var bare = linkOf(actionOf(form), pairs);
  return { lang: lang, amount: +amount, bare: bare, link: hasGoods(fields) ? "" : bare };
}

function hasGoods(fields) {
  for (var name in fields) {
    if (/^(detail|description)(\[|$)/.test(name) && valueOf(fields, name)) return true;
  }
  return false;
}

function linkOf(action, pairs) {
  var parts = [];
  for (var i = 0; i < pairs.length; i++) {
    var name = pairs[i][0];
    var value = pairs[i][1];
    if (/[;=]/.test(name) || name !== name.trim() || /;/.test(value)) return "";
    parts.push(name + "=" + value);
  }
  var encoded = base64Of(bytesOf(parts.join(";")));
  return encoded.length > LINK_LENGTH_MAX ? "" : action + encoded;
}
