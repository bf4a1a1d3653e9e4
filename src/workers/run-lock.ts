import { LabError } from '../core/errors';

/** The Web Lock that is held while somebody works on a run. */
export function runLockName(runId: string): string {
  return `mergelab-run-${runId}`;
}

/**
 * How long one who lets go of a run may still seem to hold it: a worker that is being ended, or a
 * release that is on its way from another thread.
 */
const lastGaspMs = 2000;

/** Works on a run when nobody else does any more, however long that takes. */
export async function afterRunLock(id: string, work: () => Promise<void>): Promise<void> {
  await navigator.locks.request(runLockName(id), work);
}

/**
 * Works on a run while nobody else does.
 * @throws LabError `run/unavailable` when somebody else does
 */
export async function withRunLock(id: string, work: () => Promise<void>): Promise<void> {
  const patience = AbortSignal.timeout(lastGaspMs);
  try {
    await navigator.locks.request(runLockName(id), { signal: patience }, work);
  } catch (error) {
    if (!patience.aborted || error !== patience.reason) throw error;
    throw new LabError(
      'run/unavailable',
      'Another tab works on this run; watch it here, or pause it first.',
      { details: { run: id } },
    );
  }
}
