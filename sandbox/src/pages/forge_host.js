// Bitbucket's window around the frames of Forge apps: answers what @forge/bridge 7.2.0 calls. A frame says on itself what it is:
// data-forge-context holds what view.getContext() gives, data-forge-invoke the address that makes the signed call to the app's server and says
// what it answered, {"status": 200, "headers": {"content-type": ["application/json"]}, "body": {…}}, or {"error": "…"} where Forge would reject.
(() => {
  "use strict";

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colorMode = () => document.documentElement.dataset.colorMode ?? (dark.matches ? "dark" : "light");
  const frames = () => [...document.querySelectorAll("iframe[data-forge-context]")];

  dark.addEventListener("change", () => {
    // A dialog that was never opened has nothing in it yet.
    for (const frame of frames().filter(({ src }) => src)) {
      frame.contentWindow.postMessage({ sandbox: "forge-theme", mode: colorMode() }, new URL(frame.src).origin);
    }
  });

  const answers = {
    getContext: (frame) => JSON.parse(frame.dataset.forgeContext),

    // The payload is what invokeRemote was given: path, method, headers and body.
    invoke: async (frame, payload) => {
      if (payload.invokeType !== "ui-remote-fetch") throw new Error(`the sandbox has no ${payload.invokeType}`);
      const answer = await fetch(frame.dataset.forgeInvoke, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(payload),
      });
      const { error, ...said } = await answer.json();
      if (error) throw new Error(error);
      return { success: true, payload: said };
    },

    enableTheming: colorMode,

    navigate: (_frame, { url, type }) => {
      if (type === "new-tab") window.open(url, "_blank", "noopener");
      else location.assign(url);
    },

    // False where there is nothing to close: view.close() then fails, as it does in a panel.
    close: (frame) => {
      const dialog = frame.closest("dialog");
      dialog?.close();
      return dialog !== null;
    },
  };

  window.addEventListener("message", async (event) => {
    if (event.data?.sandbox !== "forge") return;
    const frame = frames().find(({ contentWindow }) => contentWindow === event.source);
    if (!frame) return;
    const { call, name, payload } = event.data;
    const reply = { sandbox: "forge", call };
    try {
      if (!Object.hasOwn(answers, name)) throw new Error(`the sandbox has no ${name}`);
      reply.result = await answers[name](frame, payload);
    } catch (error) {
      reply.error = error.message;
    }
    event.source?.postMessage(reply, event.origin);
  });
})();
