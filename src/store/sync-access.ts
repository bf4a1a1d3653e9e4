/** An open file whose reads and writes happen at once; `flush` returns when they would survive a crash. */
export interface SyncAccessHandle {
  read(into: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  getSize(): number;
  truncate(sizeBytes: number): void;
  flush(): void;
  close(): void;
}

/** What TypeScript's library knows only in workers, where alone browsers offer it. */
interface SyncFileHandle {
  createSyncAccessHandle(options?: { mode: 'readwrite' | 'read-only' }): Promise<SyncAccessHandle>;
}

/** Whether files of the origin private file system can be written here. */
export function hasSyncAccess(): boolean {
  return (
    typeof FileSystemFileHandle === 'function' &&
    'createSyncAccessHandle' in FileSystemFileHandle.prototype
  );
}

/**
 * Opens a file for `body` and closes it whatever happens. Readers share a file where the browser
 * knows the mode `read-only`; elsewhere a handle excludes all others.
 * @throws DOMException `NoModificationAllowedError` when another handle excludes this one
 */
export async function withSyncAccess<T>(
  file: FileSystemFileHandle,
  mode: 'readwrite' | 'read-only',
  body: (handle: SyncAccessHandle) => T,
): Promise<T> {
  const handle = await (file as unknown as SyncFileHandle).createSyncAccessHandle({ mode });
  try {
    return body(handle);
  } finally {
    handle.close();
  }
}
