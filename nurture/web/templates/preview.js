// The page works without this: it shows a saved file by itself, and saves a click on "Show".
"use strict";
const bench = () => document.querySelector(".bench");
const choice = "form.look select, form.look input[type=datetime-local]";

const inSight = () => document.querySelector(".emails [aria-current]")?.scrollIntoView({ block: "nearest" });

// The whole is fetched and its parts are put into place, which is quicker than to load the page again.
const show = async () => {
  const answer = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!fresh.querySelector(".bench")) return;
  const typed = document.querySelector("form.test [name=to]")?.value;
  for (const part of [".counted", ".clock", ".bench"]) {
    document.querySelector(part).replaceWith(fresh.querySelector(part));
  }
  const to = document.querySelector("form.test [name=to]");
  if (to && typed) to.value = typed;
  inSight();
};

new EventSource("/events").addEventListener("message", (event) => {
  if (event.data !== bench().dataset.version) show();
});
document.addEventListener("change", (event) => {
  if (event.target.matches(choice)) event.target.form.requestSubmit();
});
inSight();
