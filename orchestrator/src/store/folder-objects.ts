/**
 * Objects as files: `objects/ab/ab…`, written to a temporary name, synced, renamed, folder synced. Chunks of an
 * unfinished upload lie in `incoming/` beside the announcement, so that a restart resumes it.
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256Hex } from '@bhschain/dp';
import { FederationError } from '../errors.js';
import { assertAnnouncement, assertChunk } from './announcement.js';
import type { ObjectAnnouncement, ObjectStore } from './objects.js';

const DIGEST = /^[0-9a-f]{64}$/;

export async function createFolderObjects(folder: string): Promise<ObjectStore> {
  await mkdir(join(folder, 'incoming'), { recursive: true });
  return new FolderObjects(folder);
}

class FolderObjects implements ObjectStore {
  readonly #folder: string;
  #temporaryCount = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const digest = sha256Hex(bytes);
    if (!(await this.has(digest))) await this.#write(this.#file(digest), bytes);
    return digest;
  }

  async get(digest: string): Promise<Uint8Array | null> {
    if (!DIGEST.test(digest)) return null;
    try {
      return new Uint8Array(await readFile(this.#file(digest)));
    } catch (cause) {
      if (isMissing(cause)) return null;
      throw cause;
    }
  }

  async has(digest: string): Promise<boolean> {
    return DIGEST.test(digest) && (await exists(this.#file(digest)));
  }

  async begin(announcement: ObjectAnnouncement): Promise<readonly number[]> {
    assertAnnouncement(announcement);
    const { digest, chunkDigests } = announcement;
    if (await this.has(digest)) return [];
    const folder = this.#incoming(digest);
    const said = JSON.stringify(announcement);
    const before = await readText(join(folder, 'announcement.json'));
    if (before === null) await this.#write(join(folder, 'announcement.json'), Buffer.from(said));
    else if (before !== said) {
      throw new FederationError(
        'ERR_OBJECT_LIMIT',
        `object ${digest}: announced differently before`,
      );
    }
    return this.#missing(digest, chunkDigests.length);
  }

  async putChunk(digest: string, index: number, bytes: Uint8Array): Promise<number> {
    if (await this.has(digest)) return 0;
    const said = DIGEST.test(digest)
      ? await readText(join(this.#incoming(digest), 'announcement.json'))
      : null;
    if (said === null) {
      throw new FederationError('ERR_OBJECT_UNKNOWN', `object: it was not announced`);
    }
    const announcement = JSON.parse(said) as ObjectAnnouncement;
    assertChunk(announcement, index, bytes);
    await this.#write(join(this.#incoming(digest), String(index)), bytes);
    const missing = await this.#missing(digest, announcement.chunkDigests.length);
    if (missing.length === 0) await this.#join(announcement);
    return missing.length;
  }

  /** The last chunk is there: one file out of many. */
  async #join(announcement: ObjectAnnouncement): Promise<void> {
    const { digest } = announcement;
    const parts: Buffer[] = [];
    for (let index = 0; index < announcement.chunkDigests.length; index++) {
      parts.push(await readFile(join(this.#incoming(digest), String(index))));
    }
    const bytes = Buffer.concat(parts);
    const right = createHash('sha256').update(bytes).digest('hex') === digest;
    if (right) await this.#write(this.#file(digest), bytes);
    await rm(this.#incoming(digest), { recursive: true, force: true });
    if (!right) {
      throw new FederationError(
        'ERR_CHUNK_DIGEST',
        `object ${digest}: its chunks make another one`,
      );
    }
  }

  async #missing(digest: string, count: number): Promise<number[]> {
    const present = new Set(await readdir(this.#incoming(digest)));
    return Array.from({ length: count }, (_, index) => index).filter(
      (index) => !present.has(String(index)),
    );
  }

  /** Durable: file synced, renamed into place, folder synced. */
  async #write(file: string, bytes: Uint8Array): Promise<void> {
    const folder = dirname(file);
    await mkdir(folder, { recursive: true });
    this.#temporaryCount += 1;
    const temporary = join(folder, `.${process.pid}-${this.#temporaryCount}.tmp`);
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(folder);
  }

  #file(digest: string): string {
    return join(this.#folder, digest.slice(0, 2), digest);
  }

  #incoming(digest: string): string {
    return join(this.#folder, 'incoming', digest);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw cause;
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw cause;
  }
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT';
}
