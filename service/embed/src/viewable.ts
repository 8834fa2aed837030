/**
 * Tells when an advertisement begins to render and when it was viewable, as the MRC defines both;
 * reports nothing itself.
 *
 * Viewable: at least half of its pixels (30 % of a large one) for one continuous second on a
 * visible page; whatever interrupts sets the clock back to zero.
 */

import { isShown } from "./page";

const SECOND_MS = 1000;
const LARGE_PX = 242_500;

/** Calls `begun` when the advertisement has a box in a frame, and `viewed` after its second. */
export function watch(advertisement: Element, begun: () => void, viewed: () => void): void {
  let timer = 0;
  let inView = false;

  const restart = () => {
    clearTimeout(timer);
    if (inView && isShown()) timer = setTimeout(finish, SECOND_MS);
  };
  const observer = new IntersectionObserver(
    (entries) => {
      // Each entry in turn: out and in again between two frames is an interruption too.
      for (const { boundingClientRect: box, intersectionRatio } of entries) {
        const area = box.width * box.height;
        if (area) begun(); // a block that the page hides renders nothing
        const enough = intersectionRatio >= (area < LARGE_PX ? 0.5 : 0.3);
        if (enough === inView) continue;
        inView = enough;
        restart();
      }
    },
    { threshold: [0, 0.3, 0.5] },
  );
  const finish = () => {
    observer.disconnect();
    inView = false; // so that the clock never starts again
    viewed();
  };

  document.addEventListener("visibilitychange", restart);
  observer.observe(advertisement);
}
