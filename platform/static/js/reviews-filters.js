// The address of the table names what is asked for, and nothing that is left open.

for (const form of document.querySelectorAll("[data-filters]")) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) {
      if (!value) formData.delete(name);
    }
    const boxes = [...form.querySelectorAll('input[name="columns"]')];
    const isChanged = boxes.some((box) => box.checked !== box.defaultChecked);
    if (!isChanged && !new URLSearchParams(location.search).has("columns")) formData.delete("columns");
  });
}
