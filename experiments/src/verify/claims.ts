/** What the reader checked, claim by claim. A hop holds if it has claims and all of them do. @module */

export const HOPS = [
  'logs',
  'training',
  'federation',
  'ledger',
  'detector',
  'scoring',
  'review',
  'labels',
] as const;
export type Hop = (typeof HOPS)[number];

export interface Claim {
  readonly hop: Hop;
  /** A sentence that can be true or false. */
  readonly claim: string;
  readonly ok: boolean;
  /** The figures behind it. */
  readonly detail: string;
}

export interface Claims {
  readonly all: readonly Claim[];
  add(hop: Hop, claim: string, ok: boolean, detail: string): void;
  /** A check that could not even be made is a claim that does not hold. */
  attempt(hop: Hop, claim: string, check: () => { ok: boolean; detail: string }): void;
}

export function createClaims(): Claims {
  const all: Claim[] = [];
  const add = (hop: Hop, claim: string, ok: boolean, detail: string): void => {
    all.push({ hop, claim, ok, detail });
  };
  return {
    all,
    add,
    attempt(hop, claim, check) {
      try {
        const { ok, detail } = check();
        add(hop, claim, ok, detail);
      } catch (error) {
        add(hop, claim, false, error instanceof Error ? error.message : String(error));
      }
    },
  };
}

export function hopsOf(claims: readonly Claim[]): Record<Hop, boolean> {
  const hops = {} as Record<Hop, boolean>;
  for (const hop of HOPS) {
    const own = claims.filter((claim) => claim.hop === hop);
    hops[hop] = own.length > 0 && own.every((claim) => claim.ok);
  }
  return hops;
}
