/**
 * One action of a reader, as `POST /v1/collect` takes it. `at`: ISO 8601 in UTC; of a `read`, its newest engaged moment:
 * the reading began `value` engaged seconds before it.
 */
export interface TrackedEvent {
  id: string;
  kind: string;
  article: string;
  /** Seconds of a `read`, percent of a `scroll`. */
  value?: number;
  request_id?: string;
  position?: number;
  at: string;
}

/** An event without the fields that the tracker fills in. */
export type Draft = Omit<TrackedEvent, "id" | "at"> & Partial<TrackedEvent>;

/** Take an event for sending. */
export type Put = (draft: Draft) => void;
