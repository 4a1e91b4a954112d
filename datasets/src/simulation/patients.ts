/**
 * Who lies on which ward, and who comes to the desk. Stays are log-normal with a median of three days.
 * @module
 */

import type { RandomStream } from '../random-stream.js';

export interface Patients {
  /** Moves the wards to the day: discharges and admissions. */
  advance(day: number): void;
  /** Patients on a ward now; wards without beds have none. */
  onWard(ward: string): readonly string[];
  /** Any inpatient. */
  inpatient(): string;
  /** Somebody at the desk or in the books. */
  outpatient(): string;
}

const BEDS = 22;

export function createPatients(
  options: Readonly<{
    nodeId: string;
    others: readonly string[];
    wards: readonly string[];
    random: RandomStream;
  }>,
): Patients {
  const { nodeId, others, wards, random } = options;
  let admitted = 0;
  const admit = (): string => {
    admitted++;
    // Three in a hundred were transferred in and keep the record of their own hospital.
    const home = others.length > 0 && random.chance(0.03) ? random.pick(others) : nodeId;
    return `${home}-P${nodeId.slice(1)}${String(admitted).padStart(6, '0')}`;
  };
  const stay = (): number => Math.max(1, Math.round(random.logNormal(3, 0.8)));
  const beds = wards.map(() =>
    Array.from({ length: BEDS }, () => ({ patient: admit(), days: stay() })),
  );
  const books = Array.from({ length: 4_000 }, admit);
  let today: number | null = null;
  return {
    advance(day) {
      today ??= day;
      for (; today < day; today++) {
        for (const bed of beds.flat()) {
          bed.days--;
          if (bed.days > 0) continue;
          bed.patient = admit();
          bed.days = stay();
        }
      }
    },
    onWard: (ward) => beds[wards.indexOf(ward)]?.map((bed) => bed.patient) ?? [],
    inpatient: () => random.pick(random.pick(beds)).patient,
    outpatient: () => random.pick(books),
  };
}
