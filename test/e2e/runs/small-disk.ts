import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, open, rm, rmdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const pieceBytes = 4 << 20;

/**
 * A file system of its own, in memory, that runs full as a disk does. It is mounted in a namespace of
 * its own, which needs Linux and no rights, and goes with this process.
 */
export class SmallDisk {
  /** Where it is for processes that `launcher` starts. */
  readonly path: string;
  /** Starts a command where the disk is mounted. */
  readonly launcher: readonly string[];
  readonly #holder: ChildProcess;
  /** Where it is for this process. */
  readonly #outside: string;

  private constructor(path: string, holder: ChildProcess, pid: number) {
    this.path = path;
    this.#holder = holder;
    this.#outside = `/proc/${pid}/root${path}`;
    const target = `--target=${pid}`;
    this.launcher = ['nsenter', '--preserve-credentials', '--user', '--mount', target];
  }

  /** @returns why not, where this machine mounts none */
  static async mount(sizeBytes: number): Promise<SmallDisk | string> {
    const path = await mkdtemp(join(tmpdir(), 'mergelab-disk-'));
    // `cat` holds the namespace until this process closes its input, or ends.
    const script = `mount -t tmpfs -o size=${Math.round(sizeBytes)} tmpfs "$1" && echo mounted && exec cat`;
    const holder = spawn(
      'unshare',
      ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', path],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const failure = await new Promise<string | undefined>((resolve) => {
      let complaint = '';
      holder.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
      holder.stdout.once('data', () => {
        resolve(undefined);
      });
      holder.once('error', ({ message }) => {
        resolve(message);
      });
      holder.once('close', () => {
        resolve(complaint.trim());
      });
    });
    if (failure === undefined && holder.pid !== undefined) {
      return new SmallDisk(path, holder, holder.pid);
    }
    await rmdir(path);
    return `No small file system can be mounted here: ${failure ?? 'no process'}`;
  }

  /** Takes all the room that is left, but for so many bytes. */
  async fill(leftBytes = 0): Promise<void> {
    const filler = await open(join(this.#outside, 'filler'), 'a');
    try {
      const piece = new Uint8Array(pieceBytes);
      for (;;) {
        const excessBytes = (await this.freeBytes()) - leftBytes;
        if (excessBytes <= 0) return;
        await filler.write(piece, 0, Math.min(pieceBytes, excessBytes));
      }
    } catch (error) {
      // The browser took the last bytes meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      await filler.close();
    }
  }

  /** Gives back what `fill` took. */
  async relieve(): Promise<void> {
    await rm(join(this.#outside, 'filler'), { force: true });
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#outside);
    return bavail * bsize;
  }

  async unmount(): Promise<void> {
    const ended = new Promise((resolve) => this.#holder.once('close', resolve));
    this.#holder.stdin?.end();
    await ended;
    await rmdir(this.path);
  }
}
