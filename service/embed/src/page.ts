/**
 * Reads what the page says of itself; changes nothing and keeps nothing.
 *
 * What the service would refuse, such as a garbled `hb`, is left out here: a reader who follows a
 * mangled link still gets the block.
 */

/** Returns a decision's parameters (design § 8) for a site and the placements wanted. */
export function question(site: string, placements?: string[]): URLSearchParams {
  const query = new URLSearchParams({ site, url: address(), title: title() });
  const { lang } = document.documentElement;
  if (lang) query.set("lang", lang);
  if (placements) query.set("placements", placements.join());
  // An iPad calls itself a Macintosh; only the browser can tell.
  if (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1) {
    query.set("touch", "1");
  }
  const from = new URLSearchParams(location.search).get("hb");
  if (from && /^(1[0-5]|[1-9])\.(25[0-5]|2[0-4]\d|1?\d?\d)$/.test(from)) query.set("from", from);
  return query;
}

/** Says whether the reader can see the page: not in a background tab, nor while prerendered. */
export function isShown(): boolean {
  return document.visibilityState === "visible";
}

/** Resolves when the reader can see the page for the first time. */
export async function shown(): Promise<void> {
  if (isShown()) return;
  await new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
}

function address(): string {
  return document.querySelector<HTMLLinkElement>("link[rel~=canonical]")?.href || location.href;
}

/** Returns the headline; `document.title` often has the site's name after it. */
function title(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="og:title"]');
  return (meta?.content || document.title).slice(0, 200);
}
