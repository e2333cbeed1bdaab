// What the server did not keep: mine and what is kept now, side by side, until the person decides.

function heading(entry) {
  const title = document.createElement("h3");
  title.dir = "auto";
  title.textContent = entry.text;
  return title;
}

function details(entry) {
  const parsed = new DOMParser().parseFromString(entry.html, "text/html").querySelector("[data-refused]");
  if (parsed) return document.adoptNode(parsed);
  const said = document.createElement("div");
  const words = document.createElement("p");
  words.className = "error-text";
  const gone = "This review or your place in the project is gone, so it cannot be kept.";
  words.textContent = entry.status === 404 ? gone : `The server would not take it (${entry.status}).`;
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "btn btn-sm";
  drop.dataset.resolve = "theirs";
  drop.textContent = "Drop mine";
  said.append(words, drop);
  return said;
}

/** Show `outbox.refused` in `panel`; `edit` opens a review with the fields that were sent. */
export function startRefused(panel, opener, { outbox, edit }) {
  const list = panel.querySelector("[data-outbox-list]");
  let shown = "";

  function open(isOpen) {
    panel.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) panel.focus();
  }

  const resolve = {
    again: (entry) => outbox.retry(entry),
    theirs: (entry) => outbox.remove(entry.id),
    mine: (entry, refused) => {
      const fields = entry.fields.filter(([name]) => name !== "revision");
      fields.push(["revision", refused.dataset.revision]);
      return outbox.retry(entry, { url: refused.dataset.editUrl, kind: "edit", fields });
    },
    edit: async (entry, refused) => {
      if (!(await edit(refused.dataset.openUrl, entry))) return;
      open(false);
      await outbox.remove(entry.id);
    },
  };

  opener.addEventListener("click", () => open(panel.hidden));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    open(false);
    opener.focus();
  });
  list.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-resolve]");
    if (!button) return;
    const article = button.closest("article");
    const entry = outbox.refused.find(({ id }) => id === Number(article.dataset.entry));
    if (entry) resolve[button.dataset.resolve](entry, article.querySelector("[data-refused]"));
  });

  return () => {
    const { refused } = outbox;
    opener.hidden = !refused.length;
    opener.textContent = `${refused.length} not saved: look`;
    const now = refused.map(({ id, at, status }) => `${id}.${at}.${status}`).join(" ");
    if (now === shown) return;
    shown = now;
    list.replaceChildren(
      ...refused.map((entry) => {
        const article = document.createElement("article");
        article.dataset.entry = entry.id;
        article.append(heading(entry), details(entry));
        return article;
      }),
    );
    if (!refused.length) open(false);
  };
}
