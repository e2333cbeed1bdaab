// Says something in the page's status region, where screen readers hear it.

/** Show `text` as a message; `level` is success, info, warning or error. */
export function say(text, level = "info") {
  const region = document.querySelector("[data-messages]");
  if (!region) return;
  const notice = document.createElement("div");
  notice.className = `notice notice-${level}`;
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  notice.append(paragraph);
  region.replaceChildren(notice);
}
