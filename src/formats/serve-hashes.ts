import { invariant } from '../core/errors';
import { sha256Stream, type SyncHash } from './hashes';
import type { HashAnswer, HashQuestion } from './hash-thread';

/**
 * The thread's side of `HashThread`.
 * @returns answers one question; questions may come before it has settled
 */
export function serveHashes(tell: (answer: HashAnswer) => void) {
  const hashes = new Map<number, SyncHash>();
  let pieces: Uint8Array = new Uint8Array();
  let sizeBytes = 0;
  const hashOf = async (id: number): Promise<SyncHash> => {
    const hash = hashes.get(id) ?? (await sha256Stream());
    hashes.set(id, hash);
    return hash;
  };
  const answer = async (question: HashQuestion): Promise<void> => {
    switch (question.kind) {
      case 'start':
        pieces = new Uint8Array(question.pieces);
        sizeBytes = question.pieceBytes;
        return;
      case 'load':
        hashes.set(question.hash, await sha256Stream(question.state));
        return;
      case 'piece': {
        const { hash, place, lengthBytes } = question;
        invariant(lengthBytes <= sizeBytes, 'a piece lies in its place');
        const beginBytes = place * sizeBytes;
        (await hashOf(hash)).update(pieces.subarray(beginBytes, beginBytes + lengthBytes));
        tell({ kind: 'taken', place });
        return;
      }
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
  let last = Promise.resolve();
  return async (question: HashQuestion): Promise<void> => {
    last = last.then(async () => answer(question));
    return last;
  };
}
