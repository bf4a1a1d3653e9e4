import type { OutputFile } from '../engine/output-files';
import { layOutZip, writeZip } from '../engine/zip-archive';
import { downloadMaker } from './download-maker';
import type { ExportTarget } from './export-target';

/**
 * Writes files as one zip to where a person wants it; memory stays at a few pieces.
 * @param folder that holds all of them in the zip
 * @throws LabError `engine/write-failed` when a download does not begin or is ended in the browser
 */
export async function exportZip(
  files: readonly OutputFile[],
  folder: string,
  target: ExportTarget,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (target instanceof WritableStream) return writeZip(files, folder, target, signal);
  const { port, name } = target;
  const { sizeBytes } = layOutZip(files, folder);
  return writeZip(files, folder, downloadMaker(port, { name, sizeBytes }), signal);
}
