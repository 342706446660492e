// The round without a network. What is kept: numbers, buildings and categories, for one person and twelve hours.
(() => {
  const NAME = "round", LIFE = 12 * 3600 * 1000, root = document.documentElement, offline = "offline" in root.dataset;
  const forget = () => localStorage.removeItem(NAME);
  const kept = () => { try { return JSON.parse(localStorage.getItem(NAME)); } catch { return null; } };
  const lives = (one) => Boolean(one) && one.from <= Date.now() && Date.now() < one.from + LIFE;
  // Another person's page, and one of nobody's, says that whoever kept it has left.
  const check = () => { const one = kept(); if (!lives(one) || (!offline && one.person !== root.dataset.person)) forget(); };
  check();
  setInterval(check, 60000);
  document.addEventListener("submit", (event) => { if (event.target.action.endsWith("/signout/")) forget(); });

  const page = document.querySelector("[data-round]");
  if (page && root.dataset.person) {
    const rows = (stop) => [...stop.querySelectorAll("[data-code]")].map(({ dataset }) => [dataset.code, dataset.category]);
    const stops = [...page.querySelectorAll("[data-building]")].map((stop) => ({ place: stop.dataset.place, building: stop.dataset.building, rows: rows(stop) }));
    localStorage.setItem(NAME, JSON.stringify({ person: root.dataset.person, from: Date.now(), lang: root.lang, stops }));
    navigator.serviceWorker?.register(page.dataset.worker, { scope: page.dataset.scope });
  }
  if (!offline) return;

  const found = kept(), main = document.getElementById("main");
  if (found) root.lang = found.lang;
  const say = (zh, en) => (root.lang.startsWith("en") ? en : zh);
  const add = (parent, tag, text = "", kind = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (kind) made.className = kind;
    parent.append(made);
    return made;
  };
  add(main, "h1", say("巡修单", "Round"));
  if (!found) return void add(main, "p", say("没有网络，本机也没有保存巡修单。联网后请重新打开。", "No network, and no round is kept on this device. Open it again once you are online."));
  const at = new Date(found.from).toLocaleString(found.lang, { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" });
  add(main, "p", say(`没有网络。以下是 ${at} 保存的内容。`, `No network. This was kept at ${at}.`), "note");
  let place = "";
  found.stops.forEach((stop) => {
    if (stop.place !== place) add(main, "h2", (place = stop.place));
    add(main, "h3", stop.building);
    const list = add(main, "ul");
    stop.rows.forEach(([code, category]) => { const row = add(list, "li"); add(row, "code", code); add(row, "span", category); });
  });
})();
