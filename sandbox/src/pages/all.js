// The host script as a framed page loads it: tells the page around it how tall the content is, and answers AP.require politely.
(() => {
  "use strict";
  const host = new URL(document.currentScript.src).origin;
  const tell = () => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    window.parent.postMessage({ sandbox: "resize", height }, host);
  };
  const watch = () => {
    new ResizeObserver(tell).observe(document.documentElement);
    tell();
  };
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", watch);
  } else {
    watch();
  }
  window.AP = { require: (_names, use) => use && use(), resize: tell };
})();
