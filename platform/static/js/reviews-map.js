// A choice inside [data-remap] asks for the form again: what follows from it has changed.
let changes = 0;
const asked = new WeakMap();

document.addEventListener("change", ({ target }) => {
  if (!target.closest("[data-remap]")) return;
  changes += 1;
  target.form.dispatchEvent(new Event("remap"));
});

// An answer that knows nothing of the latest choice would take that choice back.
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.elt.matches("[data-mapping]")) asked.set(detail.xhr, changes);
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const known = asked.get(detail.xhr);
  if (known !== undefined && known !== changes) detail.shouldSwap = false;
  remember();
});

// What a person has folded or opened stays so in the form that comes instead.
let folds = new Map();

function remember() {
  folds = new Map([...document.querySelectorAll("[data-keep-open]")].map((fold) => [fold.dataset.keepOpen, fold.open]));
}

document.addEventListener("htmx:afterSwap", () => {
  for (const fold of document.querySelectorAll("[data-keep-open]")) {
    fold.open = folds.get(fold.dataset.keepOpen) ?? fold.open;
  }
});
