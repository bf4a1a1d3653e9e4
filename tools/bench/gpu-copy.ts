import type { GpuDevice } from '../../src/gpu/device';
import { median } from './report';

const blockBytes = 128 << 20;
/** GPUBufferUsage; Node has the constants only after Dawn was loaded. */
const copySource = 4;
const copyTarget = 8;

/** What the device needs to read and write `byteCount` bytes together, by copying half of them. */
export async function gpuCopyMs({ device }: GpuDevice, byteCount: number): Promise<number> {
  const usage = copySource | copyTarget;
  const from = device.createBuffer({ size: blockBytes, usage });
  const to = device.createBuffer({ size: blockBytes, usage });
  const times: number[] = [];
  for (let round = -1; round < 5; round++) {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, blockBytes);
    const startMs = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    if (round >= 0) times.push(performance.now() - startMs);
  }
  from.destroy();
  to.destroy();
  return (median(times) * byteCount) / (2 * blockBytes);
}
