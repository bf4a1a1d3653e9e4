import type { OnProgress } from '../core/progress';

const redrawMs = 100;

/** One line on a terminal's standard error that redraws itself; nothing when it is no terminal. */
export function progressLine(): { readonly show: OnProgress; readonly clear: () => void } {
  let lastMs = 0;
  let isShown = false;
  return {
    show: ({ stage, done, total, unit, ratePerSecond, secondsLeft }) => {
      const nowMs = performance.now();
      if (!process.stderr.isTTY || nowMs - lastMs < redrawMs) return;
      lastMs = nowMs;
      isShown = true;
      const percent = total === 0 ? '' : ` ${Math.floor((100 * done) / total)} %`;
      const rate =
        ratePerSecond === undefined
          ? ''
          : unit === 'bytes'
            ? `, ${(ratePerSecond / 1e6).toFixed(0)} MB/s`
            : `, ${ratePerSecond.toFixed(0)} ${unit}/s`;
      const left = secondsLeft === undefined ? '' : `, ${secondsLeft.toFixed(0)} s left`;
      process.stderr.write(`\r\u001b[K${stage}${percent}${rate}${left}`);
    },
    clear: () => {
      if (isShown) process.stderr.write('\r\u001b[K');
      isShown = false;
    },
  };
}
