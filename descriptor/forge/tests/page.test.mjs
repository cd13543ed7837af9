// The built page with the real bridge package, in a window without a browser: what it asks, what it shows, what it keeps.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ACTION, PANEL, SETTINGS, answered, closeAll, open, settle, shown } from "./bitbucket.js";

const FORM = `<form class="attach" method="post" action="/forge/panel/links"><input type="hidden" name="token" value="t1">
  <label class="choice"><input type="radio" name="target" value="new:author" checked> Draft about Tomasz</label>
  <label class="choice"><input type="radio" name="target" value="feedback:f1"> Feedback for Tomasz</label>
  <textarea id="note" name="note"></textarea><button class="button button-primary" id="save">Save</button></form>`;
const SAVED = `<div class="banner is-success" role="status"><p><strong>Saved.</strong> Seen by you.</p></div>
  <form class="card" method="post"><input type="hidden" name="token" value="t2"><a class="row-title" href="https://clarityloop.example.com/feedback/f1">Feedback</a>
  <button formaction="/forge/panel/links/remove" id="undo" name="link" value="l1">Undo</button>
  <button formaction="/forge/panel/form" id="more">Add to something else</button></form>`;
const NO_ANSWER = "ClarityLoop did not answer. What you typed is still here. Check your connection and try again.";

before(() => import("../build.mjs"));
after(closeAll);

test("panel and action ask for the panel, the settings page for the settings, with an empty object as JSON", async () => {
  for (const [type, path] of [[PANEL, "/forge/panel"], [ACTION, "/forge/panel"], [SETTINGS, "/forge/settings"]]) {
    const page = await open(type, [shown("<p id=here>Here.</p>")]);
    assert.equal(page.text("#here"), "Here.");
    const headers = { Accept: "application/json", "Content-Type": "application/json" };
    assert.deepEqual(page.sent(), [{ path, method: "POST", headers, body: {}, invokeType: "ui-remote-fetch" }]);
  }
});

test("the theme is Forge's", async () => {
  const page = await open(PANEL, [shown(FORM)]);
  assert.ok(page.calls.some(([name]) => name === "enableTheming"));
});

test("a form goes to its action, a button to its own, with the fields and the button as strings", async () => {
  const page = await open(PANEL, [shown(FORM), shown(SAVED, true), shown(FORM)]);
  page.document.getElementById("note").value = "Retry card captures";
  await page.press("#save");
  await page.press("#undo");
  const [, saved, undone] = page.sent();
  assert.deepEqual([saved.path, saved.body], ["/forge/panel/links", { token: "t1", target: "new:author", note: "Retry card captures" }]);
  assert.deepEqual([undone.path, undone.body], ["/forge/panel/links/remove", { token: "t2", link: "l1" }]);
});

test("what was saved is said by the line that is already there, once", async () => {
  const page = await open(PANEL, [shown(FORM), shown(SAVED, true)]);
  await page.press("#save");
  assert.equal(page.text("#said"), "Saved. Seen by you.");
  assert.equal(page.document.querySelector(".banner").getAttribute("role"), null);
});

test("the focus stays where it was, or goes to the next thing to press", async () => {
  const page = await open(PANEL, [shown(FORM), shown(FORM), shown(SAVED, true)]);
  await page.press("#save");
  assert.equal(page.document.activeElement.id, "save");
  await page.press("#save");
  assert.equal(page.document.activeElement.id, "more");
});

test("no focus is taken when the page opens", async () => {
  const page = await open(PANEL, [shown(FORM)]);
  assert.equal(page.document.activeElement, page.document.body);
});

test("what was typed stays when nobody answers, and a second try is possible", async () => {
  const refused = () => {
    throw new Error("Remote could not verify the Forge Invocation Token");
  };
  for (const failure of [refused, { success: false, error: { message: "timed out" } }, undefined, answered("<html>a gateway</html>", 502), answered({}, 500)]) {
    const page = await open(PANEL, [shown(FORM), failure, failure, shown(SAVED, true)]);
    page.document.getElementById("note").value = "Retry card captures";
    await page.press("#save");
    await page.press("#save");
    assert.equal(page.document.querySelectorAll(".banner").length, 1);
    assert.equal(page.text(".banner.is-danger[role=alert]"), NO_ANSWER);
    assert.equal(page.document.getElementById("note").value, "Retry card captures");
    await page.press("#save");
    assert.equal(page.text("#said"), "Saved. Seen by you.");
  }
});

test("a refusal is shown with its next step, and what was typed stays", async () => {
  const detail = "This panel is no longer open to you. Ask an owner of your ClarityLoop workspace.";
  for (const answer of [answered({ code: "x", detail }, 403), { success: false, error: { status: 403, body: { detail } } }]) {
    const page = await open(PANEL, [shown(FORM), answer]);
    page.document.getElementById("note").value = "Mine";
    await page.press("#save");
    assert.equal(page.text(".banner.is-warning strong"), "This panel is no longer open to you.");
    assert.equal(page.text(".banner.is-warning span"), "Ask an owner of your ClarityLoop workspace.");
    assert.equal(page.document.getElementById("note").value, "Mine");
  }
});

test("a wrong field comes back as the panel does, and gets the focus", async () => {
  const wrong = FORM.replace("<textarea", '<textarea aria-invalid="true"');
  const page = await open(PANEL, [shown(FORM), answered({ html: `<div class="panel-body">${wrong}</div>`, saved: false }, 400)]);
  await page.press("#save");
  assert.equal(page.document.activeElement.id, "note");
});

test("a page that could not be opened can be tried again", async () => {
  const page = await open(SETTINGS, [undefined, answered({ detail: "The server is busy. Try again in a moment." }, 503), shown("<p id=here>Here.</p>")]);
  assert.equal(page.text(".banner"), "ClarityLoop did not answer. Check your connection and try again.");
  await page.press("#again");
  assert.equal(page.text("#said-wrong"), "The server is busy. Try again in a moment.");
  await page.press("#again");
  assert.equal(page.text("#here"), "Here.");
  assert.deepEqual(page.sent().map(({ path }) => path), ["/forge/settings", "/forge/settings", "/forge/settings"]);
});

test("a page opened with a refusal shows the refusal", async () => {
  const page = await open(PANEL, [answered({ detail: "This app is not installed here. Install it again." }, 403)]);
  assert.equal(page.text(".panel-body .banner strong"), "This app is not installed here.");
});

test("a page that Bitbucket shows as nothing we know says what to do and asks for nothing", async () => {
  for (const type of [undefined, "bitbucket:repoMainMenuPage"]) {
    const page = await open(type, []);
    assert.equal(page.text(".panel-body"), "Bitbucket did not say what to show here. Reload this page.");
    assert.deepEqual(page.sent(), []);
  }
});

test("only one request is under way, whatever is pressed", async () => {
  let finish;
  const slow = () => new Promise((resolve) => (finish = () => resolve(shown(SAVED, true))));
  const page = await open(PANEL, [shown(SAVED + FORM), slow, shown(FORM)]);
  await page.press("#save");
  await page.press("#save");
  await page.press("#undo");
  assert.equal(page.sent().length, 2);
  finish();
  await settle();
  await page.press("#undo");
  assert.equal(page.sent().length, 3);
});

test("scripts and event attributes do not get in", async () => {
  const page = await open(PANEL, [shown('<p id=here onclick="window.evil=1">Here.</p><script>window.evil = 1</script><img src=x onerror="window.evil=1"><svg onload="window.evil=1"></svg>')]);
  assert.equal(page.text("#here"), "Here.");
  assert.doesNotMatch(page.document.querySelector(".panel-body").outerHTML, /script|on(click|error|load)/);
  assert.equal(page.window.evil, undefined);
});

test("a form that leads elsewhere is not sent", async () => {
  for (const action of ["//elsewhere.example/forge/panel", "https://elsewhere.example/forge/panel", "/connect/panel", "/forge/../api", "/forge/panel/../../api", "/forge/panel?x=1"]) {
    const page = await open(PANEL, [shown(`<form method="post" action="${action}"><button id="go">Go</button></form>`), shown(FORM)]);
    await page.press("#go");
    assert.equal(page.sent().length, 1, action);
    assert.equal(page.text(".banner"), NO_ANSWER);
  }
});

test("links are opened by Bitbucket, and only addresses of the web", async () => {
  const page = await open(PANEL, [shown(`${SAVED}<a id="bad" href="javascript:window.evil=1">Bad</a>`)]);
  await page.press(".row-title");
  await page.press("#bad");
  const opened = page.calls.filter(([name]) => name === "navigate").map(([, payload]) => payload);
  assert.deepEqual(opened, [{ url: "https://clarityloop.example.com/feedback/f1", type: "new-tab" }]);
});

test("the dialog closes itself after a save", async () => {
  const page = await open(ACTION, [shown(FORM), shown(SAVED, true)]);
  await page.press("#save");
  assert.equal(page.text("#said"), "Saved. Seen by you.");
  assert.ok(!page.calls.some(([name]) => name === "close"));
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  assert.ok(page.calls.some(([name]) => name === "close"));
});

test("a dialog that is still used, and a panel, stay open", async () => {
  const used = await open(ACTION, [shown(FORM), shown(SAVED, true), shown(FORM)]);
  const panel = await open(PANEL, [shown(FORM), shown(SAVED, true)]);
  await used.press("#save");
  await used.press("#undo");
  await panel.press("#save");
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  for (const page of [used, panel]) assert.ok(!page.calls.some(([name]) => name === "close"));
});

test("every icon of the panel is there", async () => {
  const page = await open(PANEL, [shown(FORM)]);
  for (const name of ["feedback", "one_on_one", "request", "goal", "seen", "success", "danger", "warning", "info", "wait", "off"]) {
    assert.ok(page.document.getElementById(`i-${name}`), name);
  }
});

test("nothing in the page is inline, and its files are named relatively", async () => {
  const page = await open(PANEL, [shown(FORM)]);
  assert.equal(page.document.querySelectorAll("style, [style], script:not([src])").length, 0);
  const files = [...page.document.querySelectorAll("script, link")].map((element) => element.getAttribute("src") ?? element.getAttribute("href"));
  assert.deepEqual(files, ["./tokens.css", "./looks.css", "./page.js"]);
});
