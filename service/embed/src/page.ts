/**
 * Reads what the page says of itself; changes nothing and keeps nothing.
 *
 * What the service would refuse, such as a garbled `hb`, is left out here: a reader who follows a
 * mangled link still gets the block.
 */

const WORD_CHARS_MAX = 60;
const TAGS_MAX = 10; // the service takes more, an address not so many long ones

/** Returns a decision's parameters (design § 8) for a site and the placements wanted. */
export function question(site: string, placements?: string[]): URLSearchParams {
  const query = new URLSearchParams({ site, url: address(), title: title() });
  const set = (name: string, text?: string) => {
    if (text) query.set(name, text);
  };
  set("lang", /^[a-z]{2,3}([-_][a-z\d]{1,8})*$/i.exec(document.documentElement.lang)?.[0]);
  set("section", metas("article:section")[0]?.slice(0, WORD_CHARS_MAX));
  set("tags", metas("article:tag").slice(0, TAGS_MAX).map(tag).join());
  if (placements) query.set("placements", placements.join());
  // An iPad calls itself a Macintosh; only the browser can tell.
  if (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1) {
    query.set("touch", "1");
  }
  const from = new URLSearchParams(location.search).get("hb") || "";
  if (/^(1[0-5]|[1-9])\.(25[0-5]|2[0-4]\d|1?\d?\d)$/.test(from)) query.set("from", from);
  set("preview", /^preview\.([\w-]+)$/.exec(from)?.[1]);
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
  return (metas("og:title")[0] || document.title).slice(0, 200);
}

/** Returns a tag as part of a list, no longer than the service takes it. */
function tag(text: string): string {
  return text.replaceAll(",", " ").slice(0, WORD_CHARS_MAX);
}

/** Returns what the page's meta elements say of a property, in their order. */
function metas(property: string): string[] {
  const all = document.querySelectorAll<HTMLMetaElement>(`meta[property="${property}"]`);
  return [...all].map(({ content }) => content);
}
