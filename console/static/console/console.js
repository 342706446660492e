// What HTML and htmx do not do by themselves: keys, menus, dialogs, countdowns, toasts, polling while somebody looks.
(() => {
  const $ = (s, e = document) => e.querySelector(s), $$ = (s, e = document) => [...e.querySelectorAll(s)];
  const en = document.documentElement.lang.startsWith("en"), say = (zh, e) => (en ? e : zh);
  const typing = (e) => e.target.closest("input:not([type=radio],[type=checkbox]), textarea, select, [contenteditable]");
  const narrow = () => matchMedia("(max-width: 60rem)").matches;

  // Menus: the popover API where there is one (Chromium 114 on), else a class.
  const native = "popover" in HTMLElement.prototype;
  const shut = (m) => (native ? m.matches(":popover-open") && m.hidePopover() : m.classList.remove("open"));
  const place = (menu, button) => {
    const r = button.getBoundingClientRect(), w = menu.offsetWidth, h = menu.offsetHeight;
    menu.style.left = `${Math.max(8, Math.min(menu.matches(".end") ? r.right - w : r.left, innerWidth - w - 8))}px`;
    menu.style.top = `${r.bottom + h + 4 > innerHeight ? Math.max(8, r.top - h - 4) : r.bottom + 4}px`;
  };
  const toggle = (button) => {
    const menu = document.getElementById(button.dataset.menu), open = native ? menu.matches(":popover-open") : menu.matches(".open");
    $$("[popover]").filter((m) => m !== menu).forEach(shut);
    if (open) return shut(menu);
    native ? menu.showPopover() : menu.classList.add("open");
    if (menu.matches(".menu")) place(menu, button);
    menu.back = button;
    button.setAttribute("aria-expanded", "true");
    $("a, button", menu)?.focus();
  };
  document.addEventListener("toggle", (e) => {
    if (e.newState === "closed") { const b = e.target.back; b?.setAttribute("aria-expanded", "false"); if (e.target.contains(document.activeElement) || document.activeElement === document.body) b?.focus(); }
  }, true);

  // The panel: open beside the list, closed by Esc, focus back on the row it came from.
  const close = () => {
    const code = $("#panel code")?.textContent;
    if (!code || !$("#list")) return false;
    $("#panel").replaceChildren();
    $$("tr[aria-current]").forEach((r) => r.removeAttribute("aria-current"));
    history.replaceState({ htmx: true }, "", $("#list").getAttribute("hx-get"));
    (document.getElementById(`open-${code}`) || $("#q"))?.focus();
    return true;
  };
  document.addEventListener("htmx:after:swap", () => {
    const code = $("#panel code")?.textContent;
    $$("tr[aria-current]").forEach((r) => r.removeAttribute("aria-current"));
    if (code) document.getElementById(`row-${code}`)?.setAttribute("aria-current", "true");
    tick();
  });

  document.addEventListener("click", (e) => {
    const at = (s) => e.target.closest(s);
    let el;
    if ((el = at("[data-menu]"))) return toggle(el);
    if ((el = at("[data-set]"))) { const [k, v] = el.dataset.set.split("="); localStorage.setItem(k, v); dispatchEvent(new Event("linli:display")); }
    if (!native) $$("[popover].open").forEach(shut); else if ((el = at(".menu a, .menu button"))) shut(el.closest("[popover]"));
    if ((el = at("[data-open]"))) return document.getElementById(el.dataset.open).showModal();
    if ((el = at("[data-dismiss]"))) return el.closest("dialog").close();
    if (at("[data-print]")) return print();
    if (at("[data-retry]")) return poll(true);
    if (at("[data-close]") && $("#list")) { e.preventDefault(); return close(); }
    if ((el = at("tbody tr")) && !at("a, button, input") && !getSelection().toString()) $("a", el)?.click();
  });

  // Keys: j and k walk the rows, Enter opens (it is a link), Esc closes, / searches, ? explains.
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || $("dialog[open]")) return;
    if (e.key === "Escape") { if ($$("[popover]").some((m) => native ? m.matches(":popover-open") : m.matches(".open"))) return native || $$("[popover].open").forEach(shut); if (typing(e) && !e.target.closest("#panel")) return e.target.blur(); if (close()) e.preventDefault(); return; }
    if (typing(e)) return;
    if (e.key === "/") { e.preventDefault(); $("#q")?.focus(); }
    if (e.key === "?") $("#keys")?.showModal();
    if (e.key === "j" || e.key === "k") {
      const links = $$("tbody a[id^=open-]"), here = $("#panel code") ? links.findIndex((l) => l.closest("tr").hasAttribute("aria-current")) : links.indexOf(document.activeElement);
      const next = links[Math.max(0, Math.min(links.length - 1, here + (e.key === "j" ? 1 : here < 0 ? 1 : -1)))];
      if (!next) return;
      next.focus(); next.closest("tr").scrollIntoView({ block: "nearest" });
      if ($("#panel code") && !narrow()) next.click();
    }
  });

  // Countdowns, in the words the server uses.
  const span = (s) => {
    const m = Math.floor(Math.abs(s) / 60), d = Math.floor(m / 1440), h = Math.floor((m % 1440) / 60), r = m % 60;
    if (d) return say(`${d} 天`, `${d} d`) + (h && d < 10 ? say(` ${h} 小时`, ` ${h} h`) : "");
    if (h) return say(`${h} 小时`, `${h} h`) + (r ? say(` ${r} 分`, ` ${r} min`) : "");
    return say(`${Math.max(r, 1)} 分`, `${Math.max(r, 1)} min`);
  };
  // Office clocks are wrong, so time is counted from the server's.
  const ahead = new Date(document.body.dataset.now) - Date.now();
  const icon = { late: "alert-triangle", soon: "hourglass-low", calm: "clock" };
  const tick = () => $$("time[data-whole]").forEach((t) => {
    const left = (new Date(t.dateTime) - Date.now() - ahead) / 1000, total = +t.dataset.whole;
    const level = left <= 0 ? "late" : left < Math.min(0.25 * total, 7200) || left < 1800 ? "soon" : "calm", box = t.closest(".clock");
    const words = left <= 0 ? say(`超 ${span(left)}`, `${span(left)} late`) : say(`剩 ${span(left)}`, `${span(left)} left`);
    if (t.textContent !== words) t.textContent = words;
    if (!box.matches(`.${level}`)) {
      box.classList.remove("late", "soon", "calm"); box.classList.add(level);
      const use = $("use", box); use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon[level]}`));
    }
  });
  setInterval(tick, 20000);

  // News while somebody looks: one small question every 20 s, answered 304 when nothing changed.
  const poll = (now) => { const list = $("#list"); if (list && (now || (!document.hidden && !$("dialog[open]")))) htmx.trigger(list, "poll"); };
  setInterval(poll, 20000);
  document.addEventListener("visibilitychange", () => document.hidden || poll());
  document.addEventListener("htmx:error", (e) => { if (e.detail.ctx && !/AbortError/.test(e.detail.ctx.status)) $("#offline").hidden = false; });
  document.addEventListener("htmx:before:response", () => { $("#offline").hidden = true; });

  document.addEventListener("toast", (e) => {
    const t = document.createElement("p");
    t.className = `toast ${e.detail.level || ""}`; t.textContent = e.detail.words;
    $("#toasts").append(t);
    setTimeout(() => t.remove(), 6000);
  });

  // Unsaved words are not lost by accident.
  addEventListener("beforeunload", (e) => { if ($$("#panel textarea").some((t) => t.value !== t.defaultValue)) e.preventDefault(); });
})();
