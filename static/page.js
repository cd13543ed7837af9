// Copy buttons: <button hidden data-copy="id"> copies what the element of that id holds. They are sent hidden, because without
// this file they do nothing; what they copy can be selected by hand.

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", () => copy(button));
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const said = document.getElementById("said");
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    said.textContent = "Copied.";
  } catch {
    said.textContent = "Not copied. Select it and copy it by hand.";
  }
}
