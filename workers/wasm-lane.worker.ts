import type { LaneStart } from '../src/wasm/lane';
import { createLane } from '../src/wasm/lane';

// The only message; afterwards the thread waits on shared memory, not on messages.
addEventListener('message', (event: MessageEvent<LaneStart>) => {
  createLane(event.data).loop();
});
