// The service worker of the offline desk: its page and its files, from the cache where there is no network.
// STORED and VERSION stand above, written by the service.

const CACHE = `certledger-desk-${VERSION}`;
const PAGE = "/offline";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll([...STORED, PAGE]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop).then(() => self.clients.claim()));
});

/** The page: stored, too, where the service or a proxy before it fails. @param {Request} request */
async function showPage(request) {
  const answer = await fetch(request).catch(() => null);
  if (answer?.ok || answer?.type === "opaqueredirect") return answer;
  return (await caches.match(PAGE, { cacheName: CACHE, ignoreVary: true })) ?? answer ?? Response.error();
}

self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.method !== "GET") return;
  if (pathname === PAGE) {
    event.respondWith(showPage(event.request));
  } else if (STORED.includes(pathname)) {
    event.respondWith(caches.match(event.request, { ignoreVary: true }).then((found) => found ?? fetch(event.request)));
  }
});
