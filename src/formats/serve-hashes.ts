import { nextTask } from '../core/event-breaks';
import { invariant } from '../core/errors';
import { sha256Stream, type SyncHash } from './hashes';
import type { HashAnswer, HashQuestion } from './hash-thread';

/** The next bytes of one hash. */
export interface HashPart {
  readonly hash: SyncHash;
  readonly bytes: Uint8Array;
}

/** Adds to several hashes, each of them once. */
export type UpdateHashes = (parts: readonly HashPart[]) => void;

/** So many hashes are added to at once, at most. */
const maxParts = 4;

type PieceQuestion = Extract<HashQuestion, { kind: 'piece' }>;

/** A question that waits, and who hears how it went. */
interface Asked {
  readonly question: HashQuestion;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * The thread's side of `HashThread`.
 * @param update what adds pieces of different hashes together faster than one by one, where there is such
 * @returns answers one question; questions may come before it has settled
 */
export function serveHashes(
  tell: (answer: HashAnswer) => void,
  update: UpdateHashes = updateEach,
): (question: HashQuestion) => Promise<void> {
  const hashes = new Map<number, SyncHash>();
  let pieces: Uint8Array = new Uint8Array();
  let sizeBytes = 0;
  const hashOf = async (id: number): Promise<SyncHash> => {
    const hash = hashes.get(id) ?? (await sha256Stream());
    hashes.set(id, hash);
    return hash;
  };
  const takeIn = async (questions: readonly PieceQuestion[]): Promise<void> => {
    const parts: HashPart[] = [];
    for (const { hash, place, lengthBytes } of questions) {
      invariant(lengthBytes <= sizeBytes, 'a piece lies in its place');
      const beginBytes = place * sizeBytes;
      const bytes = pieces.subarray(beginBytes, beginBytes + lengthBytes);
      parts.push({ hash: await hashOf(hash), bytes });
    }
    update(parts);
    for (const { place } of questions) tell({ kind: 'taken', place });
  };
  const answer = async (question: Exclude<HashQuestion, PieceQuestion>): Promise<void> => {
    switch (question.kind) {
      case 'start':
        pieces = new Uint8Array(question.pieces);
        sizeBytes = question.pieceBytes;
        return;
      case 'load':
        hashes.set(question.hash, await sha256Stream(question.state));
        return;
      case 'save': {
        const { hash, save } = question;
        tell({ kind: 'saved', save, state: (await hashOf(hash)).save() });
        return;
      }
      case 'digest':
        tell({
          kind: 'digest',
          hash: question.hash,
          hex: (await hashOf(question.hash)).digestHex(),
        });
        return;
      case 'drop':
        hashes.delete(question.hash);
    }
  };
  const waiting: Asked[] = [];
  const goOn = async (): Promise<void> => {
    while (isDue(waiting, pieces.byteLength / sizeBytes)) {
      const asked = takeNext(waiting);
      const questions = asked.map(({ question }) => question);
      const [first] = questions;
      try {
        if (first !== undefined && first.kind !== 'piece') await answer(first);
        else await takeIn(questions.filter(isPiece));
        for (const { resolve } of asked) resolve();
      } catch (cause) {
        for (const { reject } of asked) reject(cause);
      }
      // Lets in what was sent meanwhile.
      await nextTask();
    }
  };
  let last = Promise.resolve();
  return async (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      last = last.then(goOn);
    });
}

/**
 * Whether pieces of enough hashes wait to be taken in together. Fewer have to do when there is no more
 * room for others, or somebody waits for something else than room.
 */
function isDue(waiting: readonly Asked[], placeCount: number): boolean {
  if (waiting.length >= placeCount) return true;
  const hashes = new Set<number>();
  for (const { question } of waiting) {
    if (question.kind !== 'piece') return true;
    hashes.add(question.hash);
  }
  return hashes.size >= maxParts;
}

/** Takes out the question whose turn it is; with a piece those of other hashes that are next for them. */
function takeNext(waiting: Asked[]): Asked[] {
  const [first] = waiting;
  if (first?.question.kind !== 'piece') return waiting.splice(0, 1);
  const taken: Asked[] = [];
  const seen = new Set<number>();
  for (const asked of waiting) {
    const { question } = asked;
    if (question.kind === 'start' || seen.has(question.hash)) continue;
    seen.add(question.hash);
    if (question.kind === 'piece' && taken.length < maxParts) taken.push(asked);
  }
  const left = waiting.filter((asked) => !taken.includes(asked));
  waiting.splice(0, waiting.length, ...left);
  return taken;
}

function isPiece(question: HashQuestion): question is PieceQuestion {
  return question.kind === 'piece';
}

function updateEach(parts: readonly HashPart[]): void {
  for (const { hash, bytes } of parts) hash.update(bytes);
}
