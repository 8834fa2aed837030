/** What the service decided for this page view, as `GET /v1/decision` answers it. */

export interface Decision {
  token: string;
  article: { url: string };
  placements: Record<string, Offer | null>;
  /** The creatives that a page view in a holdout would have shown, by placement. */
  held?: Record<string, string>;
  share: Share[];
}

export interface Offer {
  creative: string;
  label: string;
  headline: string;
  body: string | null;
  cta: string | null;
  image: Image | null;
  click: string;
  sponsored: boolean;
}

export interface Share {
  network: string;
  label: string;
  url: string;
}

export interface Image {
  url: string;
  width: number;
  height: number;
  alt: string;
}
