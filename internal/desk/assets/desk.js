// Saves round trips. Every page works without it, so nothing here decides anything.
(() => {
  "use strict";
  const all = (root, selector) => [...root.querySelectorAll(selector)];
  const hits = (text, query) => query.toLowerCase().split(/\s+/).every((w) => text.toLowerCase().includes(w));

  // What only works with the script appears; what the script replaces goes.
  for (const e of all(document, "[data-enhanced]")) e.hidden = false;
  for (const e of all(document, "[data-server-only]")) e.hidden = true;

  for (const summary of all(document, "#errors")) summary.focus();

  const live = document.querySelector("[data-live]");
  const announce = (text) => { if (live) live.textContent = text; };

  // What was done stands on the page already; those who listen hear it as well.
  for (const done of all(document, "[data-toast]")) {
    done.classList.add("toast");
    done.querySelector("[data-toast-close]").addEventListener("click", () => {
      done.remove();
      document.getElementById("main").focus({preventScroll: true}); // not lost with the button
    });
    setTimeout(() => announce(done.querySelector("p").textContent), 200);
  }

  // What takes long is seen to go on, and a form is not sent twice by an impatient click.
  let waiting;
  const works = (on) => {
    clearTimeout(waiting);
    document.documentElement.classList.remove("working");
    if (on) waiting = setTimeout(() => {
      document.documentElement.classList.add("working");
      announce(live?.dataset.working);
    }, 400);
  };
  document.addEventListener("click", (event) => {
    const a = event.target.closest?.("a[href]");
    if (!a || a.target || a.hasAttribute("download") || a.origin !== location.origin || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (event.defaultPrevented || a.hash && a.pathname + a.search === location.pathname + location.search) return;
    works(true);
  });
  let sent;
  // The page may come back from the browser's memory, as may one whose answer was a file, or never came.
  const ready = () => { sent = undefined; works(false); };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog") return;
    if (form === sent) {
      event.preventDefault();
      return;
    }
    sent = form;
    works(true);
    setTimeout(() => { if (sent === form) ready(); }, 30_000); // stopped by hand, or given up
  });
  addEventListener("pageshow", ready);
  addEventListener("keydown", (event) => { if (event.key === "Escape") ready(); }); // which is also how to stop loading

  for (const button of all(document, "[data-copy]")) {
    button.hidden = !navigator.clipboard; // not without TLS
    const label = [...button.childNodes];
    let timer;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
      } catch {
        return; // the browser asked, and was told no
      }
      button.replaceChildren(button.dataset.copied);
      announce(button.dataset.copied);
      clearTimeout(timer);
      timer = setTimeout(() => {
        button.replaceChildren(...label);
        announce("");
      }, 1500);
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

  // The search over everything: the server finds and writes the options, here they are walked through.
  for (const dialog of all(document, "[data-search]")) {
    const input = dialog.querySelector("input"), list = dialog.querySelector("[role=listbox]"), said = dialog.querySelector("[role=status]");
    const page = dialog.querySelector("form").action;
    const waiting = dialog.querySelector("[data-search-waiting]");
    let options = [], active = -1, asked = 0, timer;

    const activate = (i) => {
      options[active]?.setAttribute("aria-selected", "false");
      active = i;
      const option = options[active];
      option?.setAttribute("aria-selected", "true");
      option?.scrollIntoView({block: "nearest"});
      if (option) input.setAttribute("aria-activedescendant", option.id);
      else input.removeAttribute("aria-activedescendant");
    };

    const show = (html) => {
      activate(-1);
      list.innerHTML = html;
      options = all(list, "[role=option]");
      const text = list.querySelector("[data-search-said]");
      said.textContent = text ? text.textContent : dialog.dataset.silent;
      text?.remove();
      list.hidden = options.length === 0;
      input.setAttribute("aria-expanded", String(!list.hidden));
      activate(options.length && input.value.trim() ? 0 : -1);
    };

    const ask = async () => {
      const question = ++asked;
      const slow = setTimeout(() => { waiting.hidden = !list.hidden; }, 200);
      let html = "";
      try {
        const answer = await fetch(`${page}?fragment&q=${encodeURIComponent(input.value)}`, {redirect: "manual"});
        if (answer.ok) html = await answer.text();
      } catch { /* said by show */ }
      clearTimeout(slow);
      if (question !== asked) return;
      waiting.hidden = true;
      show(html);
    };

    const open = () => {
      if (dialog.open) return;
      dialog.showModal();
      input.select();
      ask();
    };

    for (const button of all(document, "[data-search-open]")) button.addEventListener("click", open);
    dialog.querySelector("[data-search-close]").addEventListener("click", () => dialog.close());
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      open();
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[role=option]")) dialog.close(); // a click beside it, or one that leads away
    });

    input.addEventListener("input", () => {
      asked++; // what is on its way answers something else
      activate(-1);
      clearTimeout(timer);
      timer = setTimeout(ask, 150);
    });
    input.addEventListener("keydown", (event) => {
      const to = {ArrowDown: active + 1, ArrowUp: active < 0 ? options.length - 1 : active - 1}[event.key];
      if (to !== undefined && options.length) activate((to + options.length) % options.length);
      else if (event.key === "Enter" && options[active]) options[active].click();
      else if (event.key === "Escape") dialog.close(); // the browser would empty the field first
      else return;
      event.preventDefault();
    });
  }

  // The history, followed: the server sends rows as the page has them, for a while; the browser asks again by itself.
  for (const button of all(document, "[data-tail]")) {
    const {tail, stop, on, over, lost, gap, one, many} = button.dataset, label = button.textContent;
    const said = document.querySelector("[data-tail-said]"), most = 200, minutes = 10;
    let source, timer, fresh = 0, telling, last;

    const tell = () => {
      telling = undefined;
      announce(fresh === 1 ? one : many.replace("#", fresh));
      fresh = 0;
    };
    // A new row stays marked until it was in sight for a while.
    const sight = new IntersectionObserver((rows) => {
      for (const {isIntersecting, target} of rows) {
        clearTimeout(target.unmark);
        if (isIntersecting) target.unmark = setTimeout(() => { target.classList.remove("fresh"); sight.unobserve(target); }, 5000);
      }
    });
    const add = (html) => {
      const body = document.querySelector("[data-tail-rows] tbody");
      if (!body) return location.reload(); // there was no table yet
      const template = document.createElement("template");
      template.innerHTML = html;
      const rows = all(template.content, "tr").filter((row) => !body.querySelector(`[data-entry="${CSS.escape(row.dataset.entry)}"]`));
      for (const row of rows) {
        row.classList.add("fresh");
        sight.observe(row);
      }
      body.prepend(...rows);
      while (body.rows.length > most) {
        sight.unobserve(body.lastElementChild);
        body.lastElementChild.remove();
      }
      fresh += rows.length;
      if (fresh) telling ??= setTimeout(tell, 3000);
    };
    const end = (why) => {
      source?.close();
      source = undefined;
      clearTimeout(timer);
      button.textContent = label;
      said.textContent = why;
      announce(why);
    };
    const begin = () => {
      const from = new URL(tail, location);
      if (last) from.searchParams.set("since", last);
      source = new EventSource(from);
      source.addEventListener("rows", (event) => {
        last = event.lastEventId;
        add(event.data);
      });
      source.addEventListener("gap", () => { said.textContent = gap; });
      source.addEventListener("error", () => { if (source?.readyState === EventSource.CLOSED) end(lost); }); // refused: the browser does not ask again
      timer = setTimeout(() => end(over), minutes * 60_000);
      button.textContent = stop;
      said.textContent = on;
      announce(on);
    };
    button.addEventListener("click", () => source ? end("") : begin());
    addEventListener("pagehide", () => { if (source) end(""); });
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
