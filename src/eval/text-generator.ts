/** One model's reply to one prompt. */
export interface GeneratedReply {
  /** The reply alone, special tokens left out. */
  readonly text: string;
  readonly tokenCount: number;
  /** `length` when `maxNewTokens` cut it off. */
  readonly stoppedBy: 'end' | 'length';
}

export interface BatchOptions {
  readonly maxNewTokens: number;
  readonly signal?: AbortSignal | undefined;
}

/** A loaded model that answers many prompts. */
export interface TextGenerator {
  /**
   * Greedy replies, in the order of `prompts`. A prompt is what a user says: the implementation
   * applies the model's chat template. An abort rejects with the signal's reason.
   */
  generateBatch(
    prompts: readonly string[],
    options: BatchOptions,
  ): Promise<readonly GeneratedReply[]>;
}
