/**
 * Reports what the reader did, in few requests, each event once; sends no cookie and reads none.
 *
 * A batch that failed is sent again, at most three times until one arrives: the service counts a
 * repeated event once, so a doubt costs nothing. Then it is let go, for a console full of errors
 * is worse than a lost count.
 */

import { isShown } from "./page";

export type Report = (event: Record<string, string>) => void;

const BATCH_MS = 100;
const RETRIES = 3;
const BACKOFF_MS = 1000;

/** Returns a function that reports events of one token to an address. */
export function reporter(address: URL, token: string): Report {
  const known = new Set<string>();
  let waiting: object[] = [];
  let timer = 0;
  let failures = 0;

  const wait = (delay: number) => {
    timer ||= setTimeout(flush, delay);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
  };
  const flush = async () => {
    stop();
    const events = waiting;
    if (!events.length) return;
    waiting = [];
    if (await arrives(address, JSON.stringify({ token, events }))) {
      failures = 0;
    } else if (failures < RETRIES) {
      waiting = [...events, ...waiting];
      stop(); // what came meanwhile waits with the rest
      wait(BACKOFF_MS * 4 ** failures++ * (Math.random() + 0.5));
    }
  };

  // The last moments that every browser grants; `unload` would bar the page from its cache.
  document.addEventListener("visibilitychange", () => isShown() || flush());
  addEventListener("pagehide", flush);

  return (event) => {
    const key = JSON.stringify(event);
    if (known.has(key)) return;
    known.add(key);
    waiting.push(event);
    wait(BATCH_MS);
  };
}

/** Sends a body as text/plain, which needs no preflight; false means that it is worth a retry. */
async function arrives(address: URL, body: string): Promise<boolean> {
  try {
    // Some browsers block beacons and say that they sent them, so a beacon comes second.
    if (!isShown() && !("keepalive" in Request.prototype)) {
      return navigator.sendBeacon(address, body);
    }
    const options = { method: "POST", body, keepalive: true, credentials: "omit" } as const;
    return (await fetch(address, options)).status !== 503;
  } catch {
    return false;
  }
}
