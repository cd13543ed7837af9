// What pages do beyond their HTML; each page works without it.

// The zone, for what the server counts in days ("Tomorrow", "Overdue"): minutes east of UTC in a cookie, written anew with each page,
// because clocks are changed and people travel.
const isSecure = location.protocol === "https:" ? "; secure" : "";
document.cookie = `clarityloop-zone=${-new Date().getTimezoneOffset()}; path=/; max-age=34560000; samesite=lax${isSecure}`;

// Times: <time data-shows="moment|day" datetime="…Z"> is written in UTC by the server, and here in the viewer's own zone.
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
for (const time of document.querySelectorAll("time[data-shows]")) {
  const at = new Date(time.dateTime);
  time.textContent = time.dataset.shows === "moment" ? `${day.format(at)}, ${hour.format(at)}` : day.format(at);
}

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
