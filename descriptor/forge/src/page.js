// Panel, action and settings page: shows what the ClarityLoop server says and sends the forms in it there. No rule and no wording of
// the panel is here; how forms are sent and answers shown is static/panel.js, as in Bitbucket's Connect frame.

import { invokeRemote, router, view } from "@forge/bridge";

import { serve } from "../../../static/panel.js";
import { OPENED_BY } from "./doors.js";
import { panelBody, refusal } from "./html.js";

// Forge gives up after 25 seconds. Whatever happens to its answer, the page must not wait for ever.
const PATIENCE_MILLISECONDS = 30_000;
// Long enough for a screen reader to say what was saved.
const CLOSE_AFTER_MILLISECONDS = 2_000;

let isDialog = false;
let closing;

start();

async function start() {
  // Without Forge's theme the page follows the visitor's system.
  view.theme.enable().catch(() => {});
  addEventListener("click", openLink);
  const type = await shownAs();
  isDialog = type === "bitbucket:repoPullRequestAction";
  const path = OPENED_BY[type];
  const answer = path ? await post(path, {}) : refusal("Bitbucket did not say what to show here. Reload this page.");
  const body = answer?.matches(".panel-body") ? answer : notOpened(path, answer);
  document.querySelector(".panel-body").replaceWith(body);
  serve((form, button) => post(button?.getAttribute("formaction") ?? form.getAttribute("action"), fields(form, button)));
}

// The type of the module that this page is shown as; nothing when Bitbucket does not say.
async function shownAs() {
  try {
    return (await view.getContext()).extension.type;
  } catch {
    return undefined;
  }
}

function fields(form, button) {
  return Object.fromEntries(new FormData(form, button));
}

// Resolves to the next panel body, to a banner that says why there is none, or to nothing when nobody answered.
async function post(path, body) {
  // A dialog that is still used is not closed.
  clearTimeout(closing);
  try {
    const said = await within(PATIENCE_MILLISECONDS, call(path, body));
    if (said.saved && isDialog) closing = setTimeout(close, CLOSE_AFTER_MILLISECONDS);
    return said.html ? panelBody(said.html) : refusal(said.detail);
  } catch {
    return null;
  }
}

async function call(path, body) {
  // Forge resolves the path like a link: "//elsewhere.example" would carry the signed call to another server.
  if (!/^\/forge(\/[a-z0-9-]+)+$/.test(path)) throw new Error(`not a path of this app: ${path}`);
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const answer = await invokeRemote({ path, method: "POST", headers, body });
  return typeof answer.body === "string" ? JSON.parse(answer.body) : answer.body;
}

function within(milliseconds, work) {
  let timer;
  const late = new Promise((_resolve, reject) => (timer = setTimeout(reject, milliseconds)));
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function notOpened(path, banner) {
  const body = document.getElementById("not-opened").content.firstElementChild.cloneNode(true);
  if (banner) body.querySelector(".banner").replaceWith(banner);
  const again = body.querySelector("form");
  if (path) again.setAttribute("action", path);
  else again.remove();
  return body;
}

// The frame may not leave for another page, nor open a window: Bitbucket does it.
function openLink(event) {
  const link = event.target.closest("a[href]");
  if (!link) return;
  event.preventDefault();
  if (/^https?:$/.test(link.protocol)) router.open(link.href).catch(() => {});
}

function close() {
  // Whoever closed the dialog already has what was wanted.
  view.close().catch(() => {});
}
