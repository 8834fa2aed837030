/**
 * Puts the block into the page only where nothing that the reader sees moves.
 *
 * How tall the block will be and what surrounds it is known to nobody beforehand, so nothing is
 * reserved; it is tried. Before the page's first frame anything goes. After it the block goes in,
 * positions are compared, and if anything in view moved it is taken out again, all before the
 * browser paints. At the end of an article, below the fold, nothing in view moves, and the block
 * is there before the reader is. Where it would push what the reader sees (above the fold, or with
 * a footer in view) it waits until its place is out of sight. A page that wants it there at once
 * reserves the room, as with any ad slot: `hand-bill { display: block; min-height: 12em }`.
 */

let painted = performance.getEntriesByType("paint").length > 0;
requestAnimationFrame(() => {
  painted = true;
});

/** Resolves once `insert` moved nothing in view; until then `remove` takes back each attempt. */
export function place(host: Element, insert: () => void, remove: () => void): Promise<void> {
  const fits = () => {
    const before = painted ? boxesAfter(host) : [];
    insert();
    const after = painted ? boxesAfter(host) : [];
    if (before.every((box, index) => !inView(box) || stands(box, after[index]))) return true;
    remove();
    return false;
  };
  return new Promise((resolve) => {
    if (fits()) return resolve();
    console.info("hand-bill: no room in view; give it a min-height");
    const observer = new IntersectionObserver(() => {
      if (!fits()) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(host);
  });
}

/** Returns the boxes of all elements and lines of text that come after an element. */
function boxesAfter(host: Element): DOMRect[] {
  const rest = document.createRange();
  rest.selectNodeContents(document.body);
  rest.setStartAfter(host);
  return [...rest.getClientRects()];
}

function inView({ top, bottom, width, height }: DOMRect): boolean {
  return top < innerHeight && bottom > 0 && width * height > 0;
}

function stands(before: DOMRect, after?: DOMRect): boolean {
  return before.x === after?.x && before.y === after.y;
}
