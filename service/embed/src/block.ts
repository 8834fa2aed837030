/**
 * Builds the block's elements from a decision: nodes and text only, so that no word of the service
 * can become markup or script, under any Content Security Policy and with Trusted Types.
 *
 * Separators are decoration, hidden from screen readers; links are plain and open in this tab.
 */

import css from "./block.css";
import type { Image, Offer, Share } from "./decision";
import type { Report } from "./events";

const SEPARATOR = " «||» ";

/** Returns what puts parts into an element, and what takes them out again. */
export function block(element: HTMLElement, parts: HTMLElement[]): [() => void, () => void] {
  const section = make("section", {}, ...parts);
  const sheets: CSSStyleSheet[] = [];
  try {
    // No policy of a page can forbid this kind of style.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    sheets.push(sheet);
  } catch {
    section.prepend(make("style", {}, css)); // older browsers
  }
  const fill = (child: HTMLElement, styles: CSSStyleSheet[]) => {
    const root = element.shadowRoot || element.attachShadow({ mode: "open" });
    root.replaceChildren(child);
    root.adoptedStyleSheets = styles;
  };
  // A slot shows again what the page itself had put into the element.
  return [() => fill(section, sheets), () => fill(make("slot", {}), [])];
}

/** Returns an advertisement, or nothing where its link is not one for the web. */
export function advertisement(offer: Offer): HTMLElement | undefined {
  const { label, headline, body, cta, image, click } = offer;
  if (!isWeb(click)) return undefined;
  const link = { href: click, rel: offer.sponsored ? "sponsored noopener" : "noopener" };
  const picture = image && isWeb(image.url) && make("img", described(image));
  return make(
    "aside",
    { "aria-label": label, part: "ad" },
    picture && make("a", { ...link, tabindex: -1 }, picture),
    make("p", {}, `${label}: `, make("a", link, headline), body && make("small", {}, body)),
    cta && make("a", { ...link, part: "cta" }, cta),
  );
}

/** Returns the row of share links; the browser's own ways report themselves. */
export function shareRow(shares: Share[], report: Report): HTMLElement {
  const items = shares.map((share) => shareLink(share, report)).filter((item) => item.length);
  const separator = () => make("span", { "aria-hidden": "true" }, SEPARATOR);
  return make(
    "ul",
    { role: "list", part: "share" },
    ...items.map((item, index) => make("li", {}, ...item, items[index + 1] && separator())),
  );
}

function shareLink({ network, label, url }: Share, report: Report): HTMLElement[] {
  if (!isWeb(url)) return [];
  if (!(network in OWN)) return [make("a", { href: url, rel: "nofollow noopener" }, label)];
  const act = OWN[network];
  if (!act) return [];
  const button = make("button", { type: "button" }, label);
  const status = make("output", {});
  button.onclick = async () => {
    // Refused, or the reader thought better of it: then there is nothing to say or to count.
    try {
      status.textContent = await act(url);
      report({ kind: "share", network });
    } catch {}
  };
  return [button, status];
}

/** What the browser shares itself, where it can; each returns a sign that needs no translation. */
const OWN: Record<string, false | ((url: string) => Promise<string>)> = {
  copy:
    "clipboard" in navigator &&
    (async (url) => {
      await navigator.clipboard.writeText(url);
      return " ✓";
    }),
  native:
    "share" in navigator &&
    (async (url) => {
      await navigator.share({ title: document.title, url });
      return "";
    }),
};

const described = ({ url: src, width, height, alt }: Image) => ({ src, width, height, alt });

const isWeb = (url: string) => /^https?:\/\//.test(url);

type Child = Node | string | false | null | undefined;

function make(tag: string, attributes: object, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const child of children) if (child) element.append(child);
  return element;
}
