// The page works without this: it reloads when a file is saved, and saves a click on "Show".
"use strict";
const shown = document.querySelector("[data-version]").dataset.version;
const place = "nurture-preview-scroll";
const source = new EventSource("/events");
source.onmessage = (event) => {
  if (event.data === shown) return;
  sessionStorage.setItem(place, String(window.scrollY));
  source.close();
  location.replace(location.href);
};
const before = sessionStorage.getItem(place);
if (before !== null) {
  sessionStorage.removeItem(place);
  window.scrollTo(0, Number(before));
}
for (const field of document.querySelectorAll("form.look select, form.look input[type=datetime-local]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}
