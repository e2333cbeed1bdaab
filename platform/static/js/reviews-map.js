// A choice inside [data-remap] asks for the form again: what follows from it has changed.
document.addEventListener("change", ({ target }) => {
  if (!target.closest("[data-remap]")) return;
  target.form.dispatchEvent(new Event("remap"));
});
