// The page around the frames: gives a frame the height that its content asks for, and opens web items as dialogs. Loaded before the
// frames are: what a quick one asks for must not be missed.
"use strict";

window.addEventListener("message", (event) => {
  if (event.data === null || typeof event.data !== "object" || event.data.sandbox !== "resize") return;
  for (const frame of document.querySelectorAll("iframe")) {
    if (frame.contentWindow === event.source) {
      frame.style.height = `${Math.min(Math.max(Number(event.data.height) || 0, 40), 4000)}px`;
    }
  }
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dialog], [data-close]");
  if (button === null) return;
  if (button.hasAttribute("data-close")) {
    button.closest("dialog").close();
    return;
  }
  const dialog = document.getElementById(button.dataset.dialog);
  const frame = dialog.querySelector("iframe");
  frame.src = frame.dataset.src;
  dialog.showModal();
});

document.addEventListener("change", (event) => {
  if (event.target.matches(".viewing select")) event.target.form.submit();
});
