// What HTML and htmx do not do by themselves. One thing after the other: menus, panel, keys, several rows at once, countdowns,
// polls, toasts, drafts, photos.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const english = document.documentElement.lang.startsWith("en");
  const say = (zh, en) => (english ? en : zh);
  const typing = (event) => event.target.closest("input:not([type=radio],[type=checkbox]), textarea, select, [contenteditable]");
  const narrow = () => matchMedia("(max-width: 60rem)").matches;
  const body = document.body.dataset;

  // Menus: the popover API where there is one (Chromium 114 on), else a class.
  const native = "popover" in HTMLElement.prototype;
  const isOpen = (menu) => (native ? menu.matches(":popover-open") : menu.matches(".open"));
  const shut = (menu) => { if (!isOpen(menu)) return; if (native) menu.hidePopover(); else { menu.classList.remove("open"); closed(menu); } };
  const closed = (menu) => {
    menu.opener?.setAttribute("aria-expanded", "false");
    if (menu.contains(document.activeElement) || document.activeElement === document.body) menu.opener?.focus();
  };
  const place = (menu, button) => {
    const at = button.getBoundingClientRect(), { offsetWidth: width, offsetHeight: height } = menu;
    menu.style.left = `${Math.max(8, Math.min(menu.matches(".end") ? at.right - width : at.left, innerWidth - width - 8))}px`;
    menu.style.top = `${at.bottom + height + 4 > innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4}px`;
  };
  const toggle = (button) => {
    const menu = document.getElementById(button.dataset.menu), open = isOpen(menu);
    $$("[popover]").forEach(shut);
    if (open) return;
    if (native) menu.showPopover(); else menu.classList.add("open");
    if (menu.matches(".menu")) place(menu, button);
    menu.opener = button;
    button.setAttribute("aria-expanded", "true");
    $("a, button", menu)?.focus();
  };
  document.addEventListener("toggle", (event) => { if (event.newState === "closed" && event.target.opener) closed(event.target); }, true);

  // The panel stands beside the list; closed, it leaves the focus on the row that it came from.
  const list = () => $("#list");
  const panelCode = () => $("#panel > article")?.dataset.code;
  const mark = () => {
    const code = panelCode();
    $$("tr[aria-current]").forEach((row) => row.removeAttribute("aria-current"));
    if (code) document.getElementById(`row-${code}`)?.setAttribute("aria-current", "true");
  };
  const ofPanel = (context) => context.target === "#panel" || context.target?.id === "panel";
  let closedAt = 0;
  const closePanel = () => {
    const code = panelCode();
    if (!code || !list()) return false;
    closedAt = performance.now();
    $("#panel").replaceChildren();
    mark();
    history.replaceState({ htmx: true }, "", list().getAttribute("hx-get"));
    (document.getElementById(`open-${code}`) || $("#q"))?.focus();
    return true;
  };

  // What was asked for before the panel was closed does not open it again; a refusal does.
  document.addEventListener("htmx:before:request", (event) => { if (ofPanel(event.detail.ctx)) event.detail.ctx.begun = performance.now(); });
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (ofPanel(ctx) && ctx.begun < closedAt && ctx.response.status < 400) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    let element;
    if ((element = at("[data-menu]"))) return toggle(element);
    if ((element = at("[data-set]"))) {
      const [name, value] = element.dataset.set.split("=");
      localStorage.setItem(name, value);
      dispatchEvent(new Event("linli:display"));
    }
    if (!native && !at("[popover]")) $$("[popover].open").forEach(shut);
    if ((element = at("[popover] :is(a, button)"))) shut(element.closest("[popover]"));
    if ((element = at("[data-open]"))) return document.getElementById(element.dataset.open).showModal();
    if ((element = at("[data-dismiss]"))) return element.closest("dialog, .results").matches("dialog") ? element.closest("dialog").close() : element.closest(".results").replaceChildren();
    if (at("[data-print]")) return print();
    if (at("[data-retry]")) return poll(true);
    if (at("[data-clear]")) return clearPicks();
    if (at("[data-drop]")) { const form = at("form"); at(".shot").remove(); return keepDraft(form); }
    if (at("[data-close]") && list()) { event.preventDefault(); return void closePanel(); }
    if ((element = at("tbody tr")) && !at("a, button, input, label") && !getSelection().toString()) $("a", element)?.click();
  });

  // Keys: j and k walk the rows, Enter opens (it is a link), x picks, Esc closes, / searches, ? explains; the others press what bears them.
  const rows = () => $$("tbody a[id^=open-]");
  const walk = (step) => {
    const links = rows(), open = panelCode();
    const here = open ? links.findIndex((link) => link.closest("tr").hasAttribute("aria-current")) : links.findIndex((link) => link.closest("tr").contains(document.activeElement));
    const next = links[Math.max(0, Math.min(links.length - 1, here + (step > 0 || here < 0 ? 1 : -1)))];
    if (!next) return;
    next.focus();
    next.closest("tr").scrollIntoView({ block: "nearest" });
    if (open && !narrow()) next.click();
  };
  const press = (key) => {
    const scopes = [$("dialog[open]"), picked().length ? $("#several") : null, $("#panel")];
    const scope = scopes.find(Boolean), button = scope && $$(`[data-key="${key}"]`, scope).find((one) => one.offsetParent !== null || one.closest("details"));
    if (!button) return false;
    const form = button.type === "submit" && !button.formNoValidate && button.form, missing = form && $(":invalid:not(fieldset)", form);
    if (missing) missing.focus(); else button.click();
    return true;
  };
  // A form of facts (data-facts) is answered by digits, question after question; Backspace takes the last answer back, Enter in its text sends it.
  const answered = (set) => $("input:checked", set);
  const answerFact = (key) => {
    const form = $("form[data-facts]"), sets = form ? $$("fieldset", form) : [];
    if (key === "Backspace") {
      const last = sets.filter(answered).pop();
      if (!last) return false;
      answered(last).checked = false;
      $("input", last).focus();
      keepDraft(form);
      return true;
    }
    const asked = sets.find((set) => !answered(set)), option = asked && $$("input[type=radio]", asked)[key - 1];
    if (!option) return false;
    option.click();
    const next = sets.find((set) => !answered(set));
    (next ? $("input", next) : $("textarea", form)).focus();
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.isComposing || !event.target.matches("form[data-facts] textarea")) return;
    event.preventDefault();
    // Else the next call's text would have the focus, and not its first question.
    event.target.blur();
    event.target.form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      if ($("dialog[open]")) return;
      if ($$("[popover]").some(isOpen)) return void (native || $$("[popover].open").forEach(shut));
      if (typing(event) && !event.target.closest("#panel")) return event.target.blur();
      if (picked().length) return clearPicks();
      if (closePanel()) event.preventDefault();
      return;
    }
    if (typing(event)) return;
    if ($("dialog[open]")) {
      // Enter presses the dialog's own button: the form's first one stands outside of it.
      const pressed = (event.key.length === 1 || (event.key === "Enter" && event.target.matches("input"))) && press(event.key);
      if (pressed) event.preventDefault();
      return;
    }
    const does = { j: () => walk(1), k: () => walk(-1), x: pickHere, X: pickTo, a: pickAll, "/": () => $("#q")?.focus(), "?": () => $("#keys")?.showModal() }[event.key];
    if (does) { event.preventDefault(); does(); } else if (answerFact(event.key)) event.preventDefault(); else if (event.key.length === 1 && press(event.key)) event.preventDefault();
  });

  // Several rows at once: x picks the row that has the focus, X all from the last one to it, a all; the bar says what can be done.
  let lastPick = null;
  const boxes = () => $$("tbody input[name=ticket]:enabled");
  const picked = () => boxes().filter((box) => box.checked);
  const boxHere = () => {
    const row = document.activeElement?.closest?.("tr") || $("tr[aria-current]");
    return row && $("input[name=ticket]:enabled", row);
  };
  const pick = (box, on) => { box.checked = on; showBar(); };
  const pickHere = () => { const box = boxHere(); if (box) { pick(box, !box.checked); lastPick = box.value; } };
  const pickTo = () => {
    const all = boxes(), here = all.indexOf(boxHere()), from = all.findIndex((box) => box.value === lastPick);
    if (here < 0) return;
    all.slice(Math.min(here, from < 0 ? here : from), Math.max(here, from) + 1).forEach((box) => { box.checked = true; });
    showBar();
  };
  const pickAll = () => { boxes().forEach((box) => { box.checked = true; }); showBar(); };
  const clearPicks = () => { boxes().forEach((box) => { box.checked = false; }); showBar(); };
  const showBar = () => {
    const bar = $("#several");
    if (!bar) return;
    const count = picked().length, people = $("#people");
    bar.hidden = !count;
    $("[data-count]", bar).textContent = say(`已选 ${count} 单`, `${count} selected`);
    if (count && people && !people.childElementCount) htmx.trigger(people, "wanted");
  };
  document.addEventListener("change", (event) => { if (event.target.name === "ticket") { lastPick = event.target.value; showBar(); } });
  document.addEventListener("htmx:config:request", (event) => { if (event.target.id === "several") $("dialog[open]", event.target)?.close(); });

  // Countdowns, in the server's words (console/spans.py). Office clocks are wrong, so that time is counted from the server's.
  const ahead = new Date(body.now) - Date.now();
  const span = (seconds) => {
    const all = Math.floor(Math.abs(seconds) / 60), days = Math.floor(all / 1440), hours = Math.floor((all % 1440) / 60), minutes = all % 60;
    if (days) return say(`${days} 天`, `${days} d`) + (hours && days < 10 ? say(` ${hours} 小时`, ` ${hours} h`) : "");
    if (hours) return say(`${hours} 小时`, `${hours} h`) + (minutes ? say(` ${minutes} 分`, ` ${minutes} min`) : "");
    return say(`${Math.max(minutes, 1)} 分`, `${Math.max(minutes, 1)} min`);
  };
  const shape = { late: "alert-triangle", soon: "hourglass-low", calm: "clock" };
  const tick = () => $$("time[data-whole]").forEach((time) => {
    const left = (new Date(time.dateTime) - Date.now() - ahead) / 1000, box = time.closest(".clock");
    const level = left <= 0 ? "late" : left < Math.min(time.dataset.whole / 4, 7200) || left < 1800 ? "soon" : "calm";
    const words = left <= 0 ? say(`超 ${span(left)}`, `${span(left)} late`) : say(`剩 ${span(left)}`, `${span(left)} left`);
    if (time.textContent !== words) time.textContent = words;
    if (box.classList.contains(level)) return;
    box.classList.remove("late", "soon", "calm");
    box.classList.add(level);
    $("use", box)?.setAttribute("href", `${body.icons}#${shape[level]}`);
  });
  setInterval(tick, 20000);

  // How old what is shown is: every answer to a poll says that it is still so.
  let seen = Date.now();
  const age = () => $$("[data-fresh]").forEach((time) => {
    const seconds = Math.round((Date.now() - seen) / 1000);
    const words = seconds < 30 ? say("刚刚", "just now") : seconds < 60 ? say(`${seconds} 秒前`, `${seconds} s ago`) : say(`${span(seconds)}前`, `${span(seconds)} ago`);
    if (time.textContent !== words) time.textContent = words;
  });
  setInterval(age, 5000);
  document.addEventListener("htmx:before:response", (event) => {
    if (event.detail.ctx.sourceElement?.matches?.("[data-poll]") && event.detail.ctx.response.raw?.status < 400) { seen = Date.now(); age(); }
  });

  // Polls: a list asks every 20 seconds while somebody looks, and at once when they come back.
  const poll = (now) => { if (now || (!document.hidden && !$("dialog[open]"))) $$("[data-poll]").forEach((one) => htmx.trigger(one, "poll")); };
  // What is polled beside a list, and says nothing of its age.
  const look = () => document.hidden || $$("[data-looking]").forEach((one) => htmx.trigger(one, "poll"));
  setInterval(look, 20000);
  // What a poll brought anew changes the counts of the navigation, too.
  document.addEventListener("htmx:after:swap", (event) => { if (event.target.matches?.("[data-poll]")) htmx.trigger($("[data-counts]"), "counts"); });
  setInterval(poll, 20000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { poll(); look(); } });
  const offline = (is) => { $("#offline").hidden = !is; };
  document.addEventListener("htmx:error", (event) => { if (event.detail.ctx && !/abort/i.test(`${event.detail.ctx.status} ${event.detail.error}`)) offline(true); });
  document.addEventListener("htmx:before:response", () => offline(false));
  addEventListener("offline", () => offline(true));
  addEventListener("online", () => poll(true));

  document.addEventListener("toast", (event) => {
    const toast = document.createElement("p");
    toast.className = `toast ${event.detail.level || ""}`;
    toast.textContent = event.detail.words;
    $("#toasts").append(toast);
    setTimeout(() => toast.remove(), 6000);
  });

  // Drafts: what is written for a ticket is kept in this tab, under a key that only pages of the same person bring along.
  const prefix = "draft:", encoder = new TextEncoder(), decoder = new TextDecoder();
  const secret = body.draftKey && crypto.subtle
    ? crypto.subtle.importKey("raw", Uint8Array.from(atob(body.draftKey), (one) => one.charCodeAt(0)), "AES-GCM", false, ["encrypt", "decrypt"]) : null;
  const written = (form) => [...new FormData(form)].filter(([name, value]) => !["csrfmiddlewaretoken", "version", "key", "on_behalf_of"].includes(name) && typeof value === "string" && value);
  const seal = async (text) => {
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, await secret, encoder.encode(text)));
    return btoa(String.fromCharCode(...nonce, ...sealed));
  };
  const unseal = async (text) => {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    return decoder.decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.slice(0, 12) }, await secret, bytes.slice(12)));
  };
  const keepDraft = async (form) => {
    if (!secret || !form?.dataset.draft) return;
    const values = written(form), name = prefix + form.dataset.draft;
    if (values.length) sessionStorage.setItem(name, await seal(JSON.stringify(values))); else sessionStorage.removeItem(name);
  };
  const fill = (form, values) => {
    const choose = {};
    values.forEach(([name, value]) => (choose[name] ||= []).push(value));
    for (const [name, given] of Object.entries(choose)) {
      const box = $(`[data-photos="${name}"]`, form);
      if (box) { if (!$(".shot", box)) given.forEach((id) => showShot(box, id)); continue; }
      $$(`[name="${name}"]`, form).forEach((field) => {
        if (["radio", "checkbox"].includes(field.type)) field.checked = given.includes(field.value); else if (field.matches("select") || (!field.value && field.type !== "hidden")) field.value = given[0];
      });
    }
  };
  const restoreDrafts = () => { if (secret) $$("form[data-draft]:not([data-read])").forEach(async (form) => {
    form.dataset.read = "";
    const name = prefix + form.dataset.draft, kept = sessionStorage.getItem(name);
    if (!kept) return;
    // Another person's, or of another day: nobody can read it, and it goes.
    try { fill(form, JSON.parse(await unseal(kept))); form.dispatchEvent(new Event("restored")); } catch { sessionStorage.removeItem(name); }
  }); };
  document.addEventListener("input", (event) => { if (event.target.form?.dataset.draft) keepDraft(event.target.form); });
  document.addEventListener("made", (event) => {
    sessionStorage.removeItem(`${prefix}${event.detail.code}/${event.detail.move}`);
    (event.detail.codes || []).forEach((code) => { const box = $(`#row-${code} input[name=ticket]`); if (box) box.checked = false; });
    showBar();
    poll(true);
    htmx.trigger($("[data-counts]"), "counts");
  });
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-signout]")) sessionStorage.clear(); });
  addEventListener("beforeunload", (event) => { if (!secret && $$("form[data-draft] textarea").some((text) => text.value !== text.defaultValue)) event.preventDefault(); });

  // Photos: sent as soon as they are taken, so that nothing is lost while the words are written; the form then names them.
  const showShot = (box, id, file) => {
    const shot = document.createElement("span"), image = document.createElement("img"), drop = document.createElement("button");
    shot.className = "shot";
    image.alt = say("待提交的照片", "Photo to be sent");
    if (id) image.src = `/api/v1/photos/${id}/thumb`;
    drop.className = "btn icon small"; drop.type = "button"; drop.dataset.drop = "";
    drop.setAttribute("aria-label", say("去掉这张照片", "Remove this photo"));
    drop.innerHTML = `<svg class="i" aria-hidden="true"><use href="${body.icons}#x"/></svg>`;
    shot.append(image, drop);
    $(".shots", box).insertBefore(shot, $("label", box));
    if (id) nameShot(box, shot, id);
    return shot;
  };
  const nameShot = (box, shot, id) => {
    const input = document.createElement("input");
    input.type = "hidden"; input.name = box.dataset.photos; input.value = id;
    shot.append(input);
    $("img", shot).src = `/api/v1/photos/${id}/thumb`;
  };
  const send = async (box, shot, file) => {
    const form = box.closest("form"), data = new FormData();
    data.append("file", file);
    shot.classList.add("sending");
    try {
      const answer = await fetch("/api/v1/photos", { method: "POST", body: data, headers: { "X-CSRFToken": $("[name=csrfmiddlewaretoken]", form).value } });
      if (!answer.ok) throw new Error((await answer.json()).detail || answer.status);
      nameShot(box, shot, (await answer.json()).id);
      keepDraft(form);
    } catch (error) {
      shot.remove();
      document.dispatchEvent(new CustomEvent("toast", { detail: { words: say(`照片没有传上：${error.message}`, `The photo was not sent: ${error.message}`), level: "error" } }));
    } finally {
      shot.classList.remove("sending");
      form.toggleAttribute("data-sending", Boolean($(".sending", form)));
    }
  };
  document.addEventListener("change", (event) => {
    const box = event.target.type === "file" && event.target.closest("[data-photos]");
    if (!box) return;
    const room = box.dataset.most - $$(".shot", box).length;
    box.closest("form").toggleAttribute("data-sending", true);
    [...event.target.files].slice(0, room).forEach((file) => send(box, showShot(box, "", file), file));
    event.target.value = "";
  });
  // A form waits until its photos are there.
  document.addEventListener("htmx:config:request", (event) => {
    if (!event.target.matches?.("form[data-draft]") || !$(".sending", event.target)) return;
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("toast", { detail: { words: say("照片还在上传，请稍候。", "The photos are still being sent.") } }));
  });

  const settle = () => { mark(); tick(); restoreDrafts(); showBar(); };
  document.addEventListener("htmx:after:swap", settle);
  restoreDrafts();
})();
