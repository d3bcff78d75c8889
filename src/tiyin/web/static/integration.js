// The preview of a merchant's button or QR code: drawn by the very script that his page will bring in.

const preview = document.querySelector("[data-preview]");
const draw = { button: window.Paycom?.Button, qr: window.Paycom?.QR }[preview?.dataset.preview];
if (draw) draw("#form-payme", `#${preview.dataset.preview}-container`);
