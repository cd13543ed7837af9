// What Forge puts into the frame of a Custom UI page before the page's own script runs: window.__bridge, with the one function that all of
// @forge/bridge 7.2.0 goes through. Forge does not document how its calls cross into Bitbucket's window; here they are messages.
(() => {
  "use strict";
  const host = new URL(document.currentScript.src).origin;
  const waiting = new Map();
  let last = 0;

  const ask = (name, payload) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      window.parent.postMessage({ sandbox: "forge", call: last, name, payload }, host);
    });

  // Once it is enabled, the theme goes on following Bitbucket's.
  let isThemed = false;
  const theme = (mode) => {
    if (isThemed) document.documentElement.dataset.colorMode = mode;
  };

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== host) return;
    if (event.data?.sandbox === "forge-theme") theme(event.data.mode);
    if (event.data?.sandbox !== "forge") return;
    const { call, error, result } = event.data;
    const caller = waiting.get(call);
    waiting.delete(call);
    if (error === undefined) caller?.resolve(result);
    else caller?.reject(new Error(error));
  });

  window.__bridge = {
    callBridge: async (name, payload) => {
      const result = await ask(name, payload);
      if (name === "enableTheming") {
        isThemed = true;
        theme(result);
      }
      return result;
    },
  };

  const tell = () => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    window.parent.postMessage({ sandbox: "resize", height }, host);
  };
  document.addEventListener("DOMContentLoaded", () => new ResizeObserver(tell).observe(document.documentElement));
})();
