// Bitbucket's side of the built page: a window with the bridge that Forge puts into it, and a server that answers what it is told to.

import { readFile } from "node:fs/promises";

import { JSDOM } from "jsdom";

const built = new URL("../build/", import.meta.url);
const windows = [];

export const PANEL = "bitbucket:repoPullRequestOverviewPanel";
export const ACTION = "bitbucket:repoPullRequestAction";
export const SETTINGS = "bitbucket:workspaceSettingsMenuPage";

// A 2xx or other answer of the server, as callBridge("invoke") brings it.
export const answered = (body, status = 200) => ({ success: true, payload: { status, headers: { "content-type": ["application/json"] }, body } });
export const shown = (html, saved = false) => answered({ html: `<div class="panel-body">${html}</div>`, saved });

// Opens the page as a module of this type. `answers` are given in turn: a value, or a function that may throw or wait. `calls` holds all that came
// over the bridge: [name, payload].
export async function open(type, answers) {
  const dom = new JSDOM(await readFile(new URL("index.html", built), "utf8"), { url: "https://app.cdn.example/", runScripts: "outside-only", pretendToBeVisual: true });
  const { window } = dom;
  windows.push(window);
  const calls = [];
  const queue = [...answers];
  const replies = {
    getContext: () => ({ extension: { type }, locale: "en-US" }),
    enableTheming: () => window.document.documentElement.setAttribute("data-color-mode", "dark"),
    invoke: () => {
      const answer = queue.shift();
      return typeof answer === "function" ? answer() : answer;
    },
    navigate: () => undefined,
    close: () => true,
  };
  window.__bridge = {
    callBridge: async (name, payload) => {
      // What crosses the bridge is a copy without the page's objects.
      calls.push([name, payload && JSON.parse(JSON.stringify(payload))]);
      return replies[name]();
    },
  };
  // What jsdom lacks and the page asks for.
  window.Element.prototype.checkVisibility ??= () => true;
  window.eval(await readFile(new URL("page.js", built), "utf8"));
  await settle();
  const { document } = window;
  return {
    window,
    document,
    calls,
    sent: () => calls.filter(([name]) => name === "invoke").map(([, payload]) => payload),
    text: (selector) => document.querySelector(selector)?.textContent.trim().replaceAll(/\s+/g, " "),
    press: async (selector) => {
      const button = document.querySelector(selector);
      button.focus();
      button.click();
      await settle();
    },
  };
}

// Lets everything that needs no time happen.
export const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

export const closeAll = () => windows.forEach((window) => window.close());
