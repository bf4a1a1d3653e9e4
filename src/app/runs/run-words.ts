import type { RunOutput, RunState, RunSummary } from '../../rpc/lab';
import { bytesText, durationText } from '../state/format';

export const outputTitles: Readonly<Record<RunOutput, string>> = {
  checkpoint: '16-bit checkpoint',
  fp16: '16-bit for transformers.js',
  q8: '8-bit for transformers.js',
  q4: '4-bit for transformers.js',
};

export const stateWords: Readonly<Record<RunState, string>> = {
  waiting: 'waits for another run',
  running: 'running',
  paused: 'paused',
  interrupted: 'interrupted',
  done: 'finished',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** What a run is doing, how fast, and how long it still takes. */
export function paceText(run: RunSummary): string {
  const { stage, doneBytes, totalBytes, bytesPerSecond, leftMs, state } = run;
  const isMoving = state === 'running';
  const parts = [
    isMoving ? (stage ?? 'Starting') : '',
    totalBytes > 0 ? `${bytesText(doneBytes)} of ${bytesText(totalBytes)}` : '',
    isMoving && bytesPerSecond !== undefined ? `${bytesText(bytesPerSecond)} a second` : '',
    isMoving && leftMs !== undefined && leftMs >= 1000 && isUnderWay(run)
      ? `${durationText(leftMs)} left`
      : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

/** The first bytes take long, and what is left cannot be told from them. */
function isUnderWay({ doneBytes, totalBytes }: RunSummary): boolean {
  return doneBytes > totalBytes / 100;
}

/** When a run was begun, in the person's own time and language of dates. */
export function dateText(timeMs: number): string {
  return new Date(timeMs).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' });
}
