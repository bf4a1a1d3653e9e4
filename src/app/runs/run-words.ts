import type { RunOutput, RunState, RunSummary } from '../../rpc/lab';
import {
  encodingFor,
  fitsWebAssembly,
  sessionBytes,
  weightBytes,
} from '../../model/session-memory';
import { bytesText, countedText, durationText } from '../state/format';

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

/** Where the output of a run goes, unless this browser keeps it. */
export function targetText({ writtenTo }: RunSummary): string {
  switch (writtenTo?.kind) {
    case undefined:
      return '';
    case 'folder':
      return `in the folder ${writtenTo.name}`;
    case 'zip':
      return `in the zip file ${writtenTo.name}`;
    case 'download':
      return `as the download ${writtenTo.name}`;
  }
}

/** A download that is broken off cannot be gone on with; all else a run writes can. */
export function isPausable({ writtenTo }: RunSummary): boolean {
  return writtenTo?.kind !== 'download';
}

/** What a run that is not done means for what it wrote, and for what can be done with it. */
export function stakeText({ state, writtenTo }: RunSummary): string {
  const isAtWork = state === 'running' || state === 'waiting';
  if (state === 'done' || state === 'cancelled') return '';
  if (writtenTo?.kind === 'zip' && !isAtWork) {
    return `${writtenTo.name} is not a whole zip yet; Resume goes on with it.`;
  }
  if (writtenTo?.kind !== 'download') return '';
  return isAtWork
    ? 'Keep this page open until the download is complete: it cannot be paused, and starts anew after a reload.'
    : 'A download cannot be gone on with: Resume starts it anew.';
}

/** Asks before a run is deleted: what goes with it. */
export function deletionText({ state, writtenTo }: RunSummary): string {
  if (writtenTo === undefined) return 'Delete it and what it wrote here?';
  if (writtenTo.kind === 'folder') {
    return `Delete it and its files in the folder ${writtenTo.name}?`;
  }
  return state === 'done'
    ? `Delete it from this list? ${writtenTo.name} stays where it is.`
    : 'Delete it from this list?';
}

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

/** Weights that take more than this deserve a word on memory and patience. */
const largeBytes = 500_000_000;

/** What trying a finished run takes; checkpoints are encoded as suits their size, exports run as they are. */
export function trialText({ output, sizeBytes = 0 }: RunSummary): string {
  const parameterCount = sizeBytes / 2;
  const encoding = output === 'checkpoint' ? encodingFor(parameterCount) : output;
  const ofWeights = output === 'checkpoint' ? weightBytes(parameterCount, encoding) : sizeBytes;
  if (ofWeights < largeBytes) return '';
  const needed = bytesText(sessionBytes(ofWeights));
  return fitsWebAssembly(ofWeights)
    ? `In ${encoding} it takes up to ${needed} of memory and some seconds for every word, and a score takes from minutes to hours.`
    : `In ${encoding} it would take ${needed} of memory, more than WebAssembly has; write it in 4 bits to try it here.`;
}

/** When a run was begun, in the person's own time and language of dates. */
export function dateText(timeMs: number): string {
  return new Date(timeMs).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' });
}

/** 5 runs (A, B, C and 2 more). */
export function runsText(titles: readonly string[]): string {
  const named = titles.slice(0, 3).join(', ');
  const more = titles.length > 3 ? ` and ${titles.length - 3} more` : '';
  return `${countedText(titles.length, 'run')} (${named}${more})`;
}
