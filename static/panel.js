// The panel without reloading: a form is sent, and the panel body of the answer takes the place of the one shown. Without this file
// the forms work as plain forms. Bitbucket's frame loads it as it is; the page of the Forge app is built with it
// (descriptor/forge/src/page.js) and asks in a way of its own.

// `ask(form, button)` sends the form as that button would. It resolves to the next panel body, to a banner that says why there is
// none, or to nothing when nobody answered. Without `ask` the forms stay plain forms.
function serve(ask) {
  if (ask) addEventListener("submit", (event) => send(event, ask));
  addEventListener("input", find);
  addEventListener("keydown", keepEnterFromSaving);
  tellDays(document);
  offerFind();
}

async function send(event, ask) {
  const form = event.target;
  const body = form.closest(".panel-body");
  if (!body) return;
  event.preventDefault();
  // One request at a time, however often and wherever is pressed while it is under way: its answer replaces all that is shown.
  if (body.ariaBusy) return;
  body.ariaBusy = "true";
  const answer = await ask(form, event.submitter);
  body.ariaBusy = null;
  if (answer?.matches(".panel-body")) show(answer, body, form);
  else tell(answer, body);
}

// The answer is the whole page that the form would have loaded. Nothing, too, when something else answered in the server's place.
async function askByFetch(form, button) {
  try {
    const answer = await fetch(button?.getAttribute("formaction") ?? form.getAttribute("action"), {
      method: "post",
      body: new URLSearchParams(new FormData(form, button)),
      headers: { Accept: "text/html" },
      credentials: "omit",
      signal: AbortSignal.timeout(30_000),
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return document.adoptNode(page.querySelector(".panel-body"));
  } catch {
    return null;
  }
}

function show(next, body, form) {
  const focused = document.activeElement?.id;
  // What was typed into the form that was not sent is nobody's to lose.
  if (!form.matches(".attach")) keep(body, next);
  const said = next.querySelector(".banner[role=status]");
  // The line that is already on the page announces it; a second role would make it heard twice.
  said?.removeAttribute("role");
  tellDays(next);
  body.replaceWith(next);
  document.getElementById("said").textContent = said?.textContent ?? "";
  offerFind();
  focus(next, focused);
}

function keep(body, next) {
  const [from, to] = [body, next].map((place) => place.querySelector(".attach"));
  if (!from || !to) return;
  for (const name of ["note", "about", "about_email"]) {
    if (from.elements[name] && to.elements[name]) to.elements[name].value = from.elements[name].value;
  }
  const chosen = from.elements.target.value;
  for (const choice of to.querySelectorAll("[name=target]")) {
    if (choice.value === chosen) choice.checked = true;
  }
}

// Days: <time data-shows="day" datetime="…Z"> is written in UTC by the server, and here in the zone of whoever looks, in the same words.
function tellDays(place) {
  for (const time of place.querySelectorAll("time[data-shows=day]")) {
    const at = new Date(time.dateTime);
    const year = at.getFullYear() === new Date().getFullYear() ? "" : ` ${at.getFullYear()}`;
    time.textContent = `${at.getDate()} ${MONTHS[at.getMonth()]}${year}`;
  }
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// A wrong field comes first; else the focus stays where it was, or goes to the next thing to press if that is gone.
function focus(next, id) {
  const wrong = next.querySelector("[aria-invalid=true]") ?? (next.querySelector(".wrong") && next.querySelector(".choice :checked"));
  const fallbacks = ["#more", ".choice :checked", "#note", "#show", "#code"].map((selector) => next.querySelector(selector));
  const places = [wrong, document.getElementById(id ?? ""), ...fallbacks];
  places.find((place) => place?.checkVisibility())?.focus();
}

function tell(banner, body) {
  document.getElementById("said-wrong")?.remove();
  body.prepend(banner ?? document.getElementById("no-answer").content.cloneNode(true));
}

// Long lists get a field that finds a target. It is sent hidden, because only this file makes it work.
function offerFind() {
  const field = document.getElementById("find")?.closest(".field");
  if (field) field.hidden = false;
}

function find(event) {
  if (event.target.id !== "find") return;
  const attach = event.target.closest(".attach");
  const words = event.target.value.trim().toLowerCase();
  const showRest = attach.querySelector(".show-rest input");
  if (words && showRest) showRest.checked = true;
  for (const target of attach.querySelectorAll(".target")) {
    const choice = target.querySelector(".choice");
    // The chosen target stays in sight: what Save will do must never be hidden.
    target.hidden = !choice.textContent.toLowerCase().includes(words) && !choice.querySelector(":checked");
  }
}

// Enter in the search field would press Save, which nobody who searches means.
function keepEnterFromSaving(event) {
  if (event.key === "Enter" && event.target.id === "find") event.preventDefault();
}

// A bundler gives a module's scope to this file; a page that loads it as a script does not.
if (typeof module === "object") module.exports = { serve };
// In a sandboxed frame fetch would count as a call from a stranger's page; a plain form still works there.
else serve(self.origin === "null" ? null : askByFetch);
