/**
 * Handbill's script: fills the `<hand-bill>` elements of an article page and reports what the
 * reader saw. `<hand-bill>` is the whole block; `<hand-bill placement="top">` one advertisement,
 * `<hand-bill share>` the share row.
 *
 * Never in the way: no cookie, no storage, nothing from a third party; when the service is slow,
 * wrong or gone, the elements stay as they were.
 */

import { advertisement, block, shareRow } from "./block";
import type { Decision } from "./decision";
import { reporter } from "./events";
import { question, shown } from "./page";
import { place } from "./place";
import { watch } from "./viewable";

const NAME = "hand-bill";
const PLACEMENTS_MAX = 4;
const TIMEOUT_MS = 10_000;

// Modules have no current script, and a page's own markup may shadow the name.
const script = [document.currentScript, document.querySelector("script[data-site]")].find(
  (one): one is HTMLScriptElement => one instanceof HTMLScriptElement,
);
const site = script?.dataset.site;
if (script && site && !customElements.get(NAME)) start(script.src, site);

function start(base: string, site: string): void {
  const elements = new Set<HTMLElement>();
  let asked = false;
  let fill: ((element: HTMLElement) => unknown) | undefined;

  /** Asks for the one decision of this page view. */
  const ask = quietly(async () => {
    if (asked || !elements.size) return;
    asked = true;
    await shown();
    const query = question(site, wanted(elements));
    const answer = await fetch(new URL(`v1/decision?${query}`, base), {
      credentials: "omit",
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
    });
    if (!answer.ok) return;
    fill = quietly(filler(base, await answer.json(), query.get("title") || ""));
    elements.forEach(fill);
  });

  customElements.define(
    NAME,
    class extends HTMLElement {
      connectedCallback() {
        elements.add(this);
        if (fill) this.shadowRoot || fill(this); // one that only moved is filled already
        // A whole block needs no names, so there is no need to wait for the rest of the page.
        else if (isWhole(this) || document.readyState !== "loading") ask();
      }
    },
  );
  document.addEventListener("DOMContentLoaded", ask);
}

/** Returns what fills an element from the decision, after reporting that the page began. */
function filler(base: string, { token, article, placements, held, share }: Decision, title: string) {
  const report = reporter(new URL("v1/events", base), token);
  const owners = new Map<string, HTMLElement>();
  report({ kind: "view", url: article.url, title });

  return async (element: HTMLElement) => {
    const whole = isWhole(element);
    const parts: HTMLElement[] = [];
    const begin: (() => void)[] = [];
    for (const [placement, offer] of Object.entries(placements)) {
      // Each advertisement is on the page once, in the first element that asks for it.
      if (!whole && placement !== element.getAttribute("placement")) continue;
      const owner = owners.get(placement);
      if (owner !== element && owner?.isConnected) continue;
      const ghost = held?.[placement];
      if (ghost) report({ kind: "impression", placement, creative: ghost }); // it would begin here
      const ad = offer && advertisement(offer);
      if (!ad) continue;
      owners.set(placement, element);
      parts.push(ad);
      const tell = (kind: string) => () => report({ kind, placement, creative: offer.creative });
      begin.push(() => watch(ad, tell("impression"), tell("viewable")));
    }
    if (share.length && (whole || element.hasAttribute("share"))) {
      parts.splice(1, 0, shareRow(share, report));
    }
    if (!parts.length) return;
    await place(element, ...block(element, parts));
    for (const one of begin) one();
  };
}

/** Returns the placements to ask for; undefined leaves it to the service. */
function wanted(elements: Set<HTMLElement>): string[] | undefined {
  const all = [...elements];
  if (all.some(isWhole)) return undefined;
  const names = all.map((element) => element.getAttribute("placement") || "");
  return [...new Set(names)].filter(Boolean).slice(0, PLACEMENTS_MAX);
}

function isWhole(element: HTMLElement): boolean {
  return !element.matches("[placement], [share]");
}

/** Wraps work that must never disturb the page: whatever goes wrong, the element stays as it is. */
function quietly<A extends unknown[]>(work: (...given: A) => Promise<void>) {
  return async (...given: A) => {
    try {
      await work(...given);
    } catch {}
  };
}
