// The pictures: a button in two styles, three languages and two formats, and a QR code.

var SVG = "http://www.w3.org/2000/svg";
// Modules of light around a code: fewer, and cameras miss it.
var QUIET = 4;
var HEIGHT = 48;
var FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','Liberation Sans',Arial,sans-serif";

// What a button says, and how long that is: the text is fitted to it, whatever font there is.
var WORDS = {
  ru: { text: "Оплатить с помощью Payme", length: 224 },
  uz: { text: "Payme orqali toʻlash", length: 172 },
  en: { text: "Pay with Payme", length: 128 }
};
var TEXT_FROM = 54;

// They stand on other people's pages, so they bring their colours with them.
var STYLES = {
  colored: { ground: "#0a6661", line: "#0a6661", ink: "#ffffff" },
  white: { ground: "#ffffff", line: "#838f8c", ink: "#12201e" }
};

var QR_WORDS = {
  ru: "QR-код для оплаты {sum} через Payme",
  uz: "Payme orqali {sum} toʻlash uchun QR-kod",
  en: "QR code to pay {sum} with Payme"
};

function buttonWidth(lang) {
  return TEXT_FROM + WORDS[lang].length + 20;
}

function svgButton(lang, style) {
  var width = buttonWidth(lang);
  var colours = STYLES[style];
  var svg =
    '<svg xmlns="' + SVG + '" width="' + width + '" height="' + HEIGHT + '" ' +
    'viewBox="0 0 ' + width + " " + HEIGHT + '">' +
    '<rect x=".75" y=".75" width="' + (width - 1.5) + '" height="' + (HEIGHT - 1.5) + '" rx="8" ' +
    'fill="' + colours.ground + '" stroke="' + colours.line + '" stroke-width="1.5"/>' +
    '<g fill="none" stroke="' + colours.ink + '" stroke-width="2">' +
    '<rect x="20" y="16" width="23" height="16" rx="3"/><path d="M20 22h23M24 27h5"/></g>' +
    '<text x="' + TEXT_FROM + '" y="29.5" font-size="16" font-weight="600" font-family="' + FONT + '" ' +
    'textLength="' + WORDS[lang].length + '" lengthAdjust="spacingAndGlyphs" ' +
    'fill="' + colours.ink + '">' + WORDS[lang].text + "</text></svg>";
  return "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
}

// The same in pixels, three to each of the page's, so that it is sharp on a phone.
function pngButton(lang, style) {
  var width = buttonWidth(lang);
  var colours = STYLES[style];
  var canvas = document.createElement("canvas");
  canvas.width = width * 3;
  canvas.height = HEIGHT * 3;
  var pen = canvas.getContext("2d");
  pen.scale(3, 3);
  pen.lineWidth = 1.5;
  pen.fillStyle = colours.ground;
  pen.strokeStyle = colours.line;
  rounded(pen, 0.75, 0.75, width - 1.5, HEIGHT - 1.5, 8);
  pen.fill();
  pen.stroke();
  pen.lineWidth = 2;
  pen.strokeStyle = colours.ink;
  rounded(pen, 20, 16, 23, 16, 3);
  pen.moveTo(20, 22);
  pen.lineTo(43, 22);
  pen.moveTo(24, 27);
  pen.lineTo(29, 27);
  pen.stroke();
  pen.fillStyle = colours.ink;
  pen.font = "600 16px " + FONT;
  // The text is stretched or squeezed to its length, as in the other format.
  var stretch = WORDS[lang].length / pen.measureText(WORDS[lang].text).width;
  pen.translate(TEXT_FROM, 29.5);
  pen.scale(stretch, 1);
  pen.fillText(WORDS[lang].text, 0, 0);
  return canvas.toDataURL("image/png");
}

function rounded(pen, x, y, width, height, radius) {
  pen.beginPath();
  pen.moveTo(x + radius, y);
  pen.arcTo(x + width, y, x + width, y + height, radius);
  pen.arcTo(x + width, y + height, x, y + height, radius);
  pen.arcTo(x, y + height, x, y, radius);
  pen.arcTo(x, y, x + width, y, radius);
  pen.closePath();
}

// A width as a style has it: a bare number is pixels, and what is no width is nothing.
function widthOf(text) {
  var match = /^\s*([0-9]{1,4})(px|%|em|rem)?\s*$/.exec(text || "");
  return match && +match[1] ? match[1] + (match[2] || "px") : "";
}

function pictureButton(lang, wishes) {
  var style = wishes && wishes.value === "white" ? "white" : "colored";
  var png = wishes && wishes.getAttribute("data-type") === "png";
  var input = document.createElement("input");
  input.type = "image";
  input.alt = WORDS[lang].text;
  input.style.width = widthOf(wishes && wishes.getAttribute("data-width")) || buttonWidth(lang) + "px";
  input.style.maxWidth = "100%";
  input.style.height = "auto";
  // Where the page's own policy forbids the picture, a plain button says the same.
  input.onerror = function () {
    input.onerror = null;
    input.removeAttribute("src");
    input.style.minHeight = HEIGHT + "px";
    input.type = "submit";
    input.value = WORDS[lang].text;
  };
  input.src = (png ? pngButton : svgButton)(lang, style);
  return input;
}

function sumOf(amountTiyin, lang) {
  var between = lang === "en" ? "," : "\u00a0";
  var whole = String(Math.floor(amountTiyin / 100)).replace(/\B(?=([0-9]{3})+$)/g, between);
  var rest = String(amountTiyin % 100);
  if (rest !== "0") whole += (lang === "en" ? "." : ",") + (rest.length < 2 ? "0" : "") + rest;
  return lang === "en" ? "UZS\u00a0" + whole : whole + "\u00a0" + (lang === "ru" ? "сум" : "soʻm");
}

function shape(name, attributes) {
  var made = document.createElementNS(SVG, name);
  for (var attribute in attributes) made.setAttribute(attribute, attributes[attribute]);
  return made;
}

// A code as a picture, dark on light also where the page is dark: cameras want it so.
function pictureCode(rows, words, width) {
  var side = rows.length + 2 * QUIET;
  var path = "";
  for (var y = 0; y < rows.length; y++) {
    var line = rows[y].join("");
    for (var runs = /1+/g, run = runs.exec(line); run; run = runs.exec(line)) {
      var length = run[0].length;
      path += "M" + (run.index + QUIET) + " " + (y + QUIET) + "h" + length + "v1h-" + length + "z";
    }
  }
  var picture = shape("svg", {
    viewBox: "0 0 " + side + " " + side,
    role: "img",
    "aria-label": words,
    "shape-rendering": "crispEdges"
  });
  picture.style.width = widthOf(width) || "250px";
  picture.style.maxWidth = "100%";
  picture.style.height = "auto";
  picture.appendChild(shape("title", {})).textContent = words;
  picture.appendChild(shape("rect", { width: side, height: side, fill: "#fff" }));
  picture.appendChild(shape("path", { d: path, fill: "#000" }));
  return picture;
}
