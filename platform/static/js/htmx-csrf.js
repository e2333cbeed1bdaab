// Gives every unsafe htmx request Django's CSRF token. Other modules that fetch import `csrfToken`.

const SAFE = new Set(["get", "head", "options", "trace"]);

/** Return the CSRF token: the cookie if there is one, else what the page was served with. */
export function csrfToken() {
  const cookie = document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="));
  if (cookie) return decodeURIComponent(cookie.slice("csrftoken=".length));
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!SAFE.has(detail.verb)) detail.headers["X-CSRFToken"] = csrfToken();
});
