import { Transferred } from '../core/transferred';

/** The page's relay that turns the bytes of a worker into a download of the browser. */
export interface DownloadPort {
  readonly port: MessagePort;
  /** Of the file. */
  readonly name: string;
}

/** Where a zip goes that a person wants to have: into a stream, or into a download. */
export type ExportTarget = WritableStream<Uint8Array> | DownloadPort;

/** On its way to a worker; the page has it no longer. */
export function sentTarget(target: ExportTarget): Transferred<ExportTarget> {
  return new Transferred(target, [target instanceof WritableStream ? target : target.port]);
}
