/** Somewhere to keep sessions: short text values under opaque keys, each for a limited time. */
export interface SessionStore {
  /** The value, or undefined when there is none or its time is over. */
  get(key: string): Promise<string | undefined>;

  /**
   * Keeps a value for `ttl` seconds from now. With `onlyIfPresent`, replaces an existing value
   * and never creates one. Answers whether the value was kept.
   */
  set(key: string, value: string, options: SetOptions): Promise<boolean>;

  /** Forgets a value; forgetting twice is fine. */
  delete(key: string): Promise<void>;
}

export type SetOptions = {
  /** Seconds. */
  ttl: number;
  onlyIfPresent?: boolean;
};
