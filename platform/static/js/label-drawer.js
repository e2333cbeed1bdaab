// The guidelines beside the review: opened with a key, in the newest version, with what has changed
// since this person last read them.

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name, version) {
  try {
    localStorage.setItem(name, version);
  } catch {
    // storage is blocked: everything looks unread
  }
}

/** Make `drawer` work; returns a function that tells it which version a review is asked in. */
export function startDrawer(drawer, { person, project }) {
  if (!drawer) return () => {};
  const name = `gloss.guidelines.${person}.${project}`;
  const body = drawer.querySelector("[data-drawer-body]");
  const news = drawer.querySelector("[data-drawer-news]");
  const seen = () => Number(read(name) ?? 0);
  let isFresh = true;

  const mark = () => (news.hidden = !seen() || seen() >= Number(drawer.dataset.version));

  async function refresh() {
    const since = seen() && seen() < Number(drawer.dataset.version) ? `?since=${seen()}` : "";
    if (isFresh && !since) return;
    try {
      const response = await fetch(drawer.dataset.url + since, { headers: { "HX-Request": "true" } });
      const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
      const guidelines = parsed.querySelector("[data-guidelines]");
      if (!guidelines) return;
      body.replaceChildren(document.adoptNode(guidelines));
      isFresh = true;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // offline: the version that is here stays
    }
  }

  drawer.addEventListener("toggle", async () => {
    // Back to the text, where Enter submits: on the summary it would open the drawer again.
    if (!drawer.open) return document.querySelector("[data-work-start]")?.focus();
    body.focus();
    await refresh();
    write(name, drawer.dataset.version);
    return mark();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") drawer.open = false;
  });
  mark();
  return (version) => {
    if (version === drawer.dataset.version) return;
    drawer.dataset.version = version;
    isFresh = false;
    mark();
  };
}
