// What the server sends, made into a part of this page.

// The panel body in the server's HTML, or nothing.
//
// It comes from our own server over a channel that Forge signs, and every value in it was escaped there. The page's policy also forbids
// inline scripts. Should one of these ever fail, nothing that could run gets in here either.
export function panelBody(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const script of page.querySelectorAll("script")) script.remove();
  for (const element of page.querySelectorAll("*")) {
    for (const name of element.getAttributeNames()) {
      if (name.startsWith("on")) element.removeAttribute(name);
    }
  }
  const body = page.querySelector(".panel-body");
  return body && document.adoptNode(body);
}

// A banner with the sentence of a refusal in bold and what to do next beside it.
export function refusal(detail) {
  const [sentence, ...rest] = detail.split(/(?<=\.) /);
  const banner = document.getElementById("refused").content.firstElementChild.cloneNode(true);
  banner.querySelector("strong").textContent = sentence;
  banner.querySelector("span").textContent = rest.join(" ") || "Reload this page and try again.";
  return banner;
}
