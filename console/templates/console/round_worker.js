// Answers for the round where there is no network, and for nothing else: with a page that holds nothing, and its files.
const page = "{{ page|escapejs }}", shell = "{{ shell|escapejs }}", files = [{% for one in files %}"{{ one|escapejs }}", {% endfor %}];
const name = `round ${files.join(" ")}`;
const kept = (path) => caches.open(name).then((cache) => cache.match(path));
addEventListener("install", (event) => event.waitUntil(caches.open(name).then((cache) => cache.addAll([shell, ...files])).then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(
  caches.keys().then((all) => Promise.all(all.filter((one) => one.startsWith("round ") && one !== name).map((one) => caches.delete(one)))).then(() => clients.claim())));
addEventListener("fetch", (event) => {
  const { request } = event, path = new URL(request.url).pathname;
  if (request.mode === "navigate" && path === page) event.respondWith(fetch(request).catch(() => kept(shell)));
  else if (files.includes(path)) event.respondWith(fetch(request).catch(() => kept(path)));
});
