// Saves round trips. Every page works without it, so nothing here decides anything.
(() => {
  "use strict";
  const all = (root, selector) => [...root.querySelectorAll(selector)];
  const hits = (text, query) => query.toLowerCase().split(/\s+/).every((w) => text.toLowerCase().includes(w));

  // What only works with the script appears; what the script replaces goes.
  for (const e of all(document, "[data-enhanced]")) e.hidden = false;
  for (const e of all(document, "[data-server-only]")) e.hidden = true;

  for (const summary of all(document, "#errors")) summary.focus();

  for (const button of all(document, "[data-copy]")) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      const label = [...button.childNodes];
      button.replaceChildren("Copied");
      setTimeout(() => button.replaceChildren(...label), 1500);
    });
  }

  for (const input of all(document, "[data-filter-list]")) {
    const list = document.getElementById(input.dataset.filterList);
    const nothing = list.querySelector("[data-filter-nothing]");
    const items = all(list, "li").filter((item) => item !== nothing);
    const refilter = () => {
      let any = false;
      for (const item of items) {
        const hit = hits(item.textContent, input.value);
        item.hidden = !hit && !item.querySelector("input:checked, input[value='']"); // what is chosen stays in sight
        any ||= hit;
      }
      if (nothing) nothing.hidden = any;
    };
    input.addEventListener("input", refilter);
    refilter(); // the browser may have kept what was typed before a reload
    // Enter would press the first button of the form, whether what it stands for is shown or not.
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }

  for (const input of all(document, "[data-exact-name]")) {
    const warning = document.querySelector("[data-exact-warning]");
    if (!warning) continue; // the server has said so already
    const check = () => { warning.hidden = input.value === input.value.trim(); };
    input.addEventListener("input", check);
    check();
  }

  for (const picker of all(document, "[data-picker]")) {
    const filter = picker.querySelector("[data-picker-filter]");
    const groups = all(picker, "[data-picker-group]");
    const boxes = (root) => all(root, "input[type=checkbox]");
    const chosen = (root) => boxes(root).filter((b) => b.checked).length;

    const recount = () => {
      for (const group of groups) {
        const n = chosen(group);
        group.querySelector("[data-picker-chosen]").textContent = n;
        picker.querySelector(`[data-picker-index="${group.id}"] [data-picker-tally]`).textContent = n || "";
      }
      const total = chosen(picker);
      picker.querySelector("[data-picker-count]").textContent = total;
      for (const mirror of all(document, `[data-picker-mirror="${picker.dataset.picker}"]`)) mirror.textContent = total;
    };

    const refilter = () => {
      let any = false;
      for (const group of groups) {
        let some = false;
        for (const row of all(group, "[data-picker-row]")) {
          row.hidden = !hits(row.textContent, filter.value);
          some ||= !row.hidden;
        }
        group.hidden = !some;
        picker.querySelector(`[data-picker-index="${group.id}"]`).hidden = !some;
        any ||= some;
      }
      picker.querySelector("[data-picker-nothing]").hidden = any;
    };

    // As the server does: all of the group that the filter shows.
    const setAll = (event, value) => {
      event.preventDefault();
      const group = event.currentTarget.closest("[data-picker-group]");
      for (const row of all(group, "[data-picker-row]")) {
        if (!row.hidden) boxes(row)[0].checked = value;
      }
      recount();
    };

    for (const b of all(picker, "[data-picker-all]")) b.addEventListener("click", (e) => setAll(e, true));
    for (const b of all(picker, "[data-picker-none]")) b.addEventListener("click", (e) => setAll(e, false));
    picker.addEventListener("change", recount);
    filter.addEventListener("input", refilter);
    filter.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    recount(); // the browser may have kept what was ticked before a reload
    refilter();
  }
})();
