// `element` holds the button for files and the examples; `trigger` asks the server.
const drop = element.querySelector(".drop");
const input = element.querySelector("input[type=file]");
let chosen = null;

function mark(button) {
  if (chosen) chosen.removeAttribute("aria-pressed");
  chosen = button;
  if (chosen) chosen.setAttribute("aria-pressed", "true");
}

function give(file) {
  if (!file) return;
  mark(null);
  if (file.size > MOST_BYTES) return trigger("given", { content: file.size });
  const reader = new FileReader();
  reader.onload = () => trigger("given", { content: reader.result });
  reader.onerror = () => trigger("given", { content: null });
  reader.readAsDataURL(file);
}

input.addEventListener("change", () => {
  give(input.files[0]);
  input.value = ""; // so that the same file can be given again
});
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") give(event.dataTransfer.files[0]);
  });
}
for (const button of element.querySelectorAll("[data-number]")) {
  button.addEventListener("click", () => {
    mark(button);
    trigger("chosen", { number: Number(button.dataset.number) });
  });
}
mark(element.querySelector("[data-number]")); // the page begins with the first example
